"""Watch that every dataset is served as soon as its contract promises."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.status.operators import WatchFreshnessOperator
from headrace.systems.schedules import CONTINUOUS
from headrace.systems.waits import retry_delay

SCHEMAS = applied_index(Path(__file__).parents[1])

with DAG(
    dag_id="watch_freshness",
    **CONTINUOUS,
    default_args={"owner": "platform", "retries": 5, "retry_delay": retry_delay(30), **ALERTING},
    tags=["prove", "alerts"],
    doc_md="""
### Watch freshness

**Brings about** that data which is late is an alert, `late:<dataset>`: when changes wait longer than the contract
promises, in the source, in Kafka, or on their way to being served. Where nothing was traded nothing is late. The alert
closes when the promise is kept again.

**Runs** all the time: it looks every few seconds, deferred, without a worker.

**When it fails**, the platform's database could not be asked for minutes: the log has the cause. A system on the way
that does not answer is no failure: the log names it once, and what can be measured still is.
""",
) as dag:
    WatchFreshnessOperator(task_id="watch", schemas=str(SCHEMAS))
