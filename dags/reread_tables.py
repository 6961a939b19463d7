"""Read source tables anew, after a truncate or when what is served is not what the source has."""

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
        "datasets": Param([], type="array", items={"type": "string"}, description="Datasets whose tables are read."),
    },
    doc_md="""
### Read tables anew

**Brings about** that the tables of the given datasets are read by a snapshot of their own, and that rows which are served
and not in the source any more are deleted. Other tables are not read; their changes wait while the snapshot is taken.

**Runs** when you trigger it: after a truncate, after a partition was attached or detached, after a column with a default
was added, or when the counts of a dataset differ.

**When it fails**, the connector has failed (its error stands in the log), or a stream does not run. Mend it and clear the
task: it begins with a new snapshot.
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
