"""Generate one DAG per stream group: keep its Spark driver running."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.contracts.names import stream_dag
from headrace.planning.streams import stream_plans
from headrace.services.notifications.failures import ALERTING
from headrace.services.streams.operators import KeepStreamOperator
from headrace.services.streams.reconcile import KEEP_TASK
from headrace.systems.schedules import CONTINUOUS

SCHEMAS = applied_index(Path(__file__).parents[1])

DOC = """
### Keep the stream group `{group}` running

**What it does.** Keeps the driver of `{group}` running. The driver reads {topics} topics from Kafka, decodes them and
serves them in ClickHouse as current state, change history and metrics (the fast lane).

**Runs** continuously once its first dataset was applied. One run adopts or launches the driver and then waits,
deferred, without a worker. It wakes when the driver is dead or silent, a query is down, or the contracts need other
topics.

**When it fails**, the driver died five times in a row soon after its start. Read the log of `stream-{group}`
(`./headrace logs stream-{group}`), fix the cause and clear the task. The next run starts by itself.
"""

for group, plan in stream_plans(load_index(SCHEMAS).values()).items():
    with DAG(
        dag_id=stream_dag(group),
        **CONTINUOUS,
        is_paused_upon_creation=False,
        default_args={"owner": "platform", **ALERTING},
        tags=["stream", group],
        doc_md=DOC.format(group=group, topics=len(plan.topics)),
    ) as dag:
        KeepStreamOperator(task_id=KEEP_TASK, group=group, schemas=str(SCHEMAS))
    globals()[dag.dag_id] = dag
