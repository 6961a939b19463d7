"""Look after the lake: compaction, tags, old snapshots, orphaned files (Spark batch)."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.services.maintenance.operators import DueTablesOperator, MaintainLakeOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"

with DAG(
    dag_id="lake_maintenance",
    schedule="*/15 * * * *",
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 1, "retry_delay": retry_delay(300), **ALERTING},
    tags=["lake"],
    params={
        "tables": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            description="These tables, now: raw.retail_transactions. None: those that are due.",
        )
    },
    doc_md="""
### Look after the lake

**Brings about** that the lake's tables stay quick to read and no larger than they must be: small files and delete files
become few full ones, manifests are rewritten, snapshots past the contract's `maintenance` expire, files that belong to
nothing go. Tables of contracts with `monthlyTags` are tagged `month_YYYY_MM`, and can be read as they were.

**Runs** every quarter of an hour to see what is due: every table once a day (UTC), and between a table that has as many
small files as its contract's `smallFiles`. When none is, both tasks are skipped. With *tables* it looks after these, at
any time, also while the sink lands changes and refinements publish: whoever commits second works its commit out anew.
The log has one line a table: files, bytes, delete files, snapshots and planning time, before and after.

**When it fails**, the log names the table and the cause; the others were looked after. A table that failed has its next
turn the day after, or when you clear the task.
""",
) as dag:
    due = DueTablesOperator(task_id="due", schemas=str(applied_index(INCLUDE.parent)))
    MaintainLakeOperator(
        task_id="maintain",
        policies=due.output,
        application=str(INCLUDE / "spark" / "batch" / "maintain.py"),
        pool="refine",
    )
