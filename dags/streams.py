"""One DAG a stream group: keep its Spark driver alive."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.planning.streams import stream_plans
from headrace.services.notifications.failures import ALERTING
from headrace.services.streams.operators import KeepStreamOperator
from headrace.services.streams.reconcile import KEEP_TASK
from headrace.systems.schedules import CONTINUOUS

SCHEMAS = applied_index(Path(__file__).parents[1])

DOC = """
### Keep the stream group `{group}` alive

**Brings about** that the driver of `{group}` runs, and with it the fast lane: {topics} topics from Kafka, decoded and
served in ClickHouse as current state, change history and metrics.

**Runs** from the moment that its first dataset was applied, all the time: one run adopts or launches the driver and then waits, deferred, without a worker. It wakes when
the driver is dead or silent, a query is down, or the contracts ask for other topics.

**When it fails**, the driver died five times in a row soon after its start: read the log of `stream-{group}`
(`./headrace logs stream-{group}`), mend the cause, clear the task. The next run starts by itself.
"""

for group, plan in stream_plans(load_index(SCHEMAS).values()).items():
    with DAG(
        dag_id=f"stream_{group}",
        **CONTINUOUS,
        is_paused_upon_creation=False,
        default_args={"owner": "platform", **ALERTING},
        tags=["stream", group],
        doc_md=DOC.format(group=group, topics=len(plan.topics)),
    ) as dag:
        KeepStreamOperator(task_id=KEEP_TASK, group=group, schemas=str(SCHEMAS))
    globals()[dag.dag_id] = dag
