"""Maintain the lake: compaction, tags, snapshot expiry, orphaned files (Spark batch)."""

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
            description="Tables to maintain now, e.g. raw.retail_transactions. Empty: the due tables.",
        )
    },
    doc_md="""
### Maintain the lake

**What it does.** Compacts small files and delete files, rewrites manifests, expires snapshots older than the contract's
`maintenance`, and removes orphaned files. Tables of contracts with `monthlyTags` get a tag `month_YYYY_MM`; the tag
keeps the table readable as of that month.

**Runs** every 15 minutes to find due tables. Every table is due once a day (UTC), first six hours after its
first rows, and earlier when it has as many small files as its contract's `smallFiles`. If no table is due, both tasks are skipped. With *tables* it maintains these
tables, at any time, also while the sink lands changes and refinements publish: the second of two concurrent commits is
retried. The log has one line per table: files, bytes, delete files, snapshots and planning time, before and after.

**When it fails**, the log shows the table and the cause; the other tables were maintained. A table that failed is due
again the next day, or when you clear the task.
""",
) as dag:
    due = DueTablesOperator(task_id="due", schemas=str(applied_index(INCLUDE.parent)))
    MaintainLakeOperator(
        task_id="maintain",
        policies=due.output,
        application=str(INCLUDE / "spark" / "batch" / "maintain.py"),
        pool="refine",
    )
