"""Land files from the landing bucket in raw."""

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
### Land files

**What it does.** Loads the rows of every file in the landing bucket, under `<domain>/<dataset>/`, into the dataset's
raw table, each file once and whole. A file whose columns or values violate the contract is refused as a whole, and an
alert shows the reason. Files are never moved or deleted. The same name with other content counts as another file.

**Runs** continuously: it waits, deferred, without a worker, until a file is there.

**When it fails**, the object store or the catalog does not answer. Files stay in place, and the retry lands them.
""",
) as dag:
    LandFilesOperator(task_id="land", schemas=str(SCHEMAS))
