"""Make what streams serve anew from the raw zone."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.serving.operators import ServeFromRawOperator
from headrace.systems.waits import retry_delay

SCHEMAS = str(applied_index(Path(__file__).parents[1]))

with DAG(
    dag_id="serve_from_raw",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
    tags=["serving", "lake"],
    params={
        "datasets": Param(
            [], type=["null", "array"], items={"type": "string"}, description="Only these datasets; none: all."
        ),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Serve from raw

**Brings about** that the tables in ClickHouse which a stream fills, state and changes of a dataset, hold what the raw
zone holds and what the stream has brought since; whatever else was in them is gone. For tables that were lost, cut or
spoilt, without a snapshot of the source and without replaying Kafka, also for changes that Kafka no longer keeps.

**Runs** when you trigger it, for all datasets that a stream serves or those in *datasets*, while streams and readers go
on: once raw has come as far as Kafka is at the start, a table is filled beside the old one and exchanged for it. Where a
table itself is missing, run `apply_contracts` first. Metrics are no part of it: their parts stay as they are.

**When it fails**, its error names each dataset and why; the others are done. Clear the task, or trigger it again: it begins
anew, and what the stream brought meanwhile is not lost.
Changes without a value that the table must have are left out, and counted in the log: they wait among the dead letters.
""",
) as dag:
    ServeFromRawOperator(task_id="serve", schemas=SCHEMAS, datasets="{{ params.datasets }}")
