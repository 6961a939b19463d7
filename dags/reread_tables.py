"""Re-read source tables after a truncate, or when served data differs from the source."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.index import contracts_folder
from headrace.services.notifications.failures import ALERTING
from headrace.services.proving.operators import RereadTablesOperator

with DAG(
    dag_id="reread_tables",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    render_template_as_native_obj=True,
    default_args={"owner": "platform", **ALERTING},
    tags=["connect"],
    params={
        "datasets": Param([], type="array", items={"type": "string"}, description="Datasets whose tables to re-read."),
    },
    doc_md="""
### Re-read tables

**What it does.** Re-reads the source tables of the given datasets by a snapshot, and deletes served rows that the
source no longer has. Other tables are not read; their changes wait during the snapshot.

**Runs** when you trigger it: after a truncate, after a partition was attached or detached, after a column with a default
was added, or when the counts of a dataset differ.

**When it fails**, the connector has failed (the log has its error), or a stream does not run. Fix the cause and clear
the task: it starts with a new snapshot.
""",
) as dag:
    RereadTablesOperator(
        task_id="reread",
        datasets="{{ params.datasets }}",
        schemas=str(contracts_folder(Path(__file__).parents[1])),
        execution_timeout=timedelta(hours=3),
        retries=1,
        retry_delay=timedelta(minutes=1),
    )
