"""Run the contracts' quality checks on the served data, and write the quality pages."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.quality.operators import CheckServedOperator, WriteQualityPagesOperator
from headrace.systems.waits import retry_delay

SCHEMAS = str(applied_index(Path(__file__).parents[1]))

with DAG(
    dag_id="check_served",
    schedule="@daily",
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
    tags=["quality"],
    params={
        "datasets": Param(
            [], type=["null", "array"], items={"type": "string"}, description="Datasets to check. Empty: all datasets."
        ),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Check what is served

**What it does.** Runs every check of the contracts on the served views: keys, required fields, enums, ranges,
references, the freshness SLA, and rules of type `sql`. It writes the outcomes with their history to `quality.results`,
to OpenLineage and to the quality pages (the log of `write_pages` shows their path).

**Runs** daily, and when you trigger it, for all datasets or those in *datasets*. It only reads the served data: a rule
cannot write, and is stopped when it exceeds its time or memory limit.

**When it fails** with "broken as served", the log shows each broken rule of severity error with its first rows. An
alert `served:<dataset>:<check>` stays open until the rule holds again. All checks were run before the task failed. Fix
the rows in the source, or the rule in the contract, and run it again. A broken rule of severity warning only raises an
alert.
""",
) as dag:
    check = CheckServedOperator(task_id="check", schemas=SCHEMAS, datasets="{{ params.datasets }}")
    pages = WriteQualityPagesOperator(task_id="write_pages", schemas=SCHEMAS)
    check >> pages.as_teardown()  # runs after a broken rule, too, and does not make the run succeed
