"""Re-create tables that a stream fills in ClickHouse from the raw zone."""

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
            [],
            type=["null", "array"],
            items={"type": "string"},
            description="Datasets to re-create. Empty: all datasets that a stream serves.",
        ),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Serve from raw

**What it does.** Re-creates the tables in ClickHouse that a stream fills, state and changes of a dataset, from the raw
zone plus what the stream has written since; other rows are removed. Use it for tables that were lost, truncated or
corrupted. It needs no snapshot of the source and no replay of Kafka, and includes changes that Kafka no longer keeps.

**Runs** when you trigger it, for all datasets that a stream serves or those in *datasets*, while streams and readers
continue. It waits until raw has caught up with Kafka as of the start, fills a new table beside the old one, and
exchanges them. If the table itself does not exist, run `apply_contracts` first. Metrics are not changed.

**When it fails**, the error lists each dataset and the reason; the others are done. Clear the task, or trigger it
again: it starts over, and nothing that the stream wrote meanwhile is lost. Changes without a required value are left
out and counted in the log: they wait among the dead letters.
""",
) as dag:
    ServeFromRawOperator(task_id="serve", schemas=SCHEMAS, datasets="{{ params.datasets }}")
