"""Watch freshness, and raise an alert when a dataset misses the SLA of its contract."""

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

**What it does.** Raises an alert `late:<dataset>` when changes wait longer than the contract's freshness SLA: in the
source, in Kafka, or on their way to being served. A dataset without new changes is not late. The alert is resolved when
the SLA is met again.

**Runs** continuously: it measures every few seconds, deferred, without a worker.

**When it fails**, the platform's database did not answer for minutes; the log shows the cause. Another system that does
not answer does not fail the task: the log shows it once, and the other hops are still measured.
""",
) as dag:
    WatchFreshnessOperator(task_id="watch", schemas=str(SCHEMAS))
