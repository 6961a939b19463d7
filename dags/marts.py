"""Generate one DAG per mart: build it by its SQL, then load it into the store that serves it."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, AssetWatcher, get_parsing_context

from headrace.contracts import names
from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.planning.marts import marts
from headrace.services.lineage.assets import cleaned_asset, mart_inputs_asset
from headrace.services.notifications.failures import ALERTING
from headrace.services.refinement.inputs import mart_inputs
from headrace.services.refinement.operators import BuildMartOperator
from headrace.services.refinement.triggers import MartInputsTrigger
from headrace.services.serving.operators import ServeOperator
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"
JOB = str(INCLUDE / "spark" / "batch" / "marts" / "job.py")
SQL = INCLUDE / "sql" / "marts"
SCHEMAS = applied_index(INCLUDE.parent)
CONTRACTS = load_index(SCHEMAS)

DOC = """
### Build the mart `{mart}`

**What it does.** Builds `cleaned.{table}` in the lake by `include/sql/marts/{name}.sql` and loads it into the table
that serves it: {doc} Only changed rows are written to the lake. The serving table is exchanged as a whole, so readers
never see half a mart.

**Runs** when a dataset that it reads has changed, and when you trigger it: at once on an idle machine, otherwise not
before the contract's `refineEvery` (default 30 minutes) has passed since the last build. It does not run while one of
these datasets is empty. A second run changes nothing.

**When it fails** with "is not published", a rule of severity error is broken. Readers still see the previous rows, and
the new rows wait on the branch `audit`. If *serve* fails, the lake has the new mart and readers see the old one: clear
the task.
"""


ONLY = get_parsing_context().dag_id

for mart in marts(CONTRACTS.values()):
    name = mart.name
    if ONLY not in (None, names.mart_dag(mart)):
        continue
    changed = AssetWatcher(name="changed", trigger=MartInputsTrigger(mart.id, str(SCHEMAS), str(SQL)))
    with DAG(
        dag_id=names.mart_dag(mart),
        schedule=[mart_inputs_asset(mart, watchers=[changed])],
        max_active_runs=1,
        catchup=False,
        default_args={"owner": mart.owner, "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
        tags=["marts"],
        doc_md=DOC.format(mart=mart.id, table=f"marts_{name}", name=name, doc=mart.record.doc),
    ) as dag:
        build = BuildMartOperator(
            task_id="build",
            dataset=mart.id,
            application=JOB,
            sql=str(SQL / f"{name}.sql"),
            schemas=str(SCHEMAS),
            pool="refine",
            inlets=[cleaned_asset(contract) for contract in mart_inputs(mart, SQL, CONTRACTS.values())],
            outlets=[cleaned_asset(mart)],
        )
        build >> ServeOperator(task_id="serve", dataset=mart.id, schemas=str(SCHEMAS))
    globals()[dag.dag_id] = dag
