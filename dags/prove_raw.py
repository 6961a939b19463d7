"""Prove daily that raw has every change exactly once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.proving.operators import CountPositionsOperator, ProveGapsOperator
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"
INDEX = applied_index(INCLUDE.parent)
LANDED = [contract.id for contract in load_index(INDEX).values() if "raw" in contract.zones]

with DAG(
    dag_id="prove_raw",
    schedule="@daily",
    max_active_runs=1,
    catchup=False,
    render_template_as_native_obj=True,
    user_defined_macros={"landed": LANDED},
    params={
        "datasets": Param(
            [],
            type=["null", "array"],
            items={"type": "string"},
            description="Datasets to compare. Empty: all datasets.",
        ),
        "accept": Param([], type="array", items={"type": "string"}, description="Datasets whose open gaps to accept."),
    },
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
    tags=["prove", "lake"],
    doc_md="""
### Prove the raw zone

**Finds gaps**: records with a value in Kafka that are neither in raw nor dead letters. `raw_proven` (platform database)
has the offset up to which each partition was compared, `raw_gaps` the gaps; each run reads only new records. An alert
`gap:<dataset>` shows partition and offsets, and is resolved when the records are there. Records that Kafka still has
are kept as dead letters, which `replay_dead_letters` lands (rule `gap`). If Kafka removed records before the sink read them,
the table is re-read from its source. **Counts**, in one Spark batch job, changes in raw and their source positions
(`raw_proofs`): both are equal when each change is there once.

**Runs** daily, and when you trigger it, for all datasets or those in *datasets*. To accept the open gaps of a dataset
as they are, add it to *accept*.

**When it fails** with "changes are there more than once", exactly-once delivery of the sink is broken; the log shows
the table. Otherwise the log shows which dataset could not be compared, and why. The next run continues from there.
""",
) as dag:
    ProveGapsOperator(
        task_id="find_gaps",
        schemas=str(INDEX),
        datasets="{{ params.datasets }}",
        accepted="{{ params.accept }}",
        execution_timeout=timedelta(hours=3),
    )
    CountPositionsOperator(
        task_id="count_positions",
        job="prove_raw",
        application=str(INCLUDE / "spark" / "batch" / "prove_raw.py"),
        application_args=["{{ (params.datasets or landed) | join(',') }}"],
    )
