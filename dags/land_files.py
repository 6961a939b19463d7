"""Land the files that others drop."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.services.landing.operators import LandFilesOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.schedules import CONTINUOUS
from headrace.systems.waits import retry_delay

SCHEMAS = applied_index(Path(__file__).parents[1])

with DAG(
    dag_id="land_files",
    **CONTINUOUS,
    default_args={"owner": "platform", "retries": 3, "retry_delay": retry_delay(15), **ALERTING},
    tags=["landing", "lake"],
    doc_md="""
### Land the files that others drop

**Brings about** that the rows of every file in the landing bucket, under `<domain>/<dataset>/`, are in the dataset's raw
table, each file once and whole. A file whose columns or values are not what the contract says is refused, whole, and an
alert says why. Files are never moved or deleted; the same name with other content is another file.

**Runs** all the time: it waits, deferred, without a worker, and wakes when a file is there.

**When it fails**, the object store or the catalog does not answer: files stay where they are, and the next try lands them.
""",
) as dag:
    LandFilesOperator(task_id="land", schemas=str(SCHEMAS))
