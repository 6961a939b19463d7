"""Watch connectors and replication slots; restart failed tasks, recover lost slots."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.services.connectors.operators import KeepConnectorsOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.schedules import CONTINUOUS

SCHEMAS = applied_index(Path(__file__).parents[1])

with DAG(
    dag_id="watch_connectors",
    **CONTINUOUS,
    default_args={"owner": "platform", **ALERTING},
    tags=["connect"],
    doc_md="""
### Watch the connectors and the replication slots

**What it does.** Keeps every connector of the contracts running. It restarts a FAILED task, with growing waits between
restarts. It excludes a dataset that makes its sink fail, and raises an alert. It raises an alert when a slot falls
behind. It recovers a lost slot by a new snapshot and deletes the rows that vanished meanwhile, so that no gap stays.

**Runs** continuously: it waits, deferred, without a worker, until a connector or slot needs attention.

**When it fails**, a connector did not stay up; the last line of the log shows it and its cause. Fix the cause
(`docs/how-to/troubleshoot.md` lists the usual ones); the next run starts by itself.
""",
) as dag:
    KeepConnectorsOperator(task_id="keep_running", schemas=str(SCHEMAS))
