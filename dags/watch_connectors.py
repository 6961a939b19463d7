"""Keep Kafka Connect's connectors running, and the replication slots that feed them."""

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

**Brings about** that every connector of the contracts runs. A FAILED task is restarted, with growing waits between; a
sink that fails for one dataset goes on without it, and says so; a slot that falls behind is an alert; a lost slot is
answered by a fresh snapshot, and by deletes for the rows that vanished meanwhile, so that no gap stays.

**Runs** all the time: it waits, deferred, without a worker, and wakes when something is wrong.

**When it fails**, a connector would not stay up: the log's last line names it and its cause. Mend the cause
(`docs/operations.md` lists the usual ones); the next run starts by itself.
""",
) as dag:
    KeepConnectorsOperator(task_id="keep_running", schemas=str(SCHEMAS))
