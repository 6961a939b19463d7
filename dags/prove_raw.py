"""Prove, once a day, that the raw zone holds every change once (Spark batch)."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.systems.notify.failures import TOLD
from headrace.systems.spark.batch import LakeJobOperator
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"
TABLES = [f"{c.domain}_{c.name}" for c in load_index(applied_index(INCLUDE.parent)).values() if "raw" in c.zones]

with DAG(
    dag_id="prove_raw",
    schedule="@daily",
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **TOLD},
    tags=["prove", "lake"],
    doc_md="""
### Prove the raw zone

**Brings about** one row a raw table in `raw_proofs` (platform database): how many changes it holds and at how many
source positions. The two are equal when every change is there once.

**Runs** daily, and by hand at any time. One Spark batch job over the whole raw zone; its lineage comes from Spark.

**When it fails** with "changes are there more than once", exactly-once delivery of the sink is broken: the log names
the table. Otherwise read the log of the Spark job in the task.
""",
) as dag:
    LakeJobOperator(
        task_id="count_positions",
        job="prove_raw",
        application=str(INCLUDE / "spark" / "batch" / "prove_raw.py"),
        application_args=TABLES,
    )
