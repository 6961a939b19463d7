"""Generate one DAG per dataset: refine raw into cleaned, history and quarantine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import (
    DAG,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronDataIntervalTimetable,
    Param,
    get_parsing_context,
)

from headrace.contracts import names
from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.services.lineage.assets import cleaned_asset, raw_asset
from headrace.services.notifications.failures import ALERTING
from headrace.services.refinement.operators import RefineOperator
from headrace.services.refinement.triggers import RawLandedTrigger
from headrace.services.serving.operators import ServeOperator
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"
JOB = str(INCLUDE / "spark" / "batch" / "refine" / "job.py")
DRAFT = {"$schema": "http://json-schema.org/draft-07/schema#"}
"""Airflow checks every parameter's schema at every parse; for this draft that takes a third of the time."""
FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)

DOC = """
### Refine `{dataset}`

**What it does.** Derives the zones after raw: `{cleaned}` has the rows as they are in the source now, its `history`
every version of them with `_valid_from` and `_valid_to`, its `quarantine` the changes that broke a rule. Fields that
the contract tokenises leave raw only as a keyed hash.

**Runs** for new changes after they landed in raw: within about a minute on an idle machine, otherwise not before the
contract's `refineEvery` (default 5 minutes) has passed since the last run. Runs daily for the keys of which a
change {time} in the run's interval. Runs for any days by a backfill, or by its *days* in one run: the rows of a key are
computed from all its changes in raw, so intervals may come in any order and be repeated. After a change of a row rule,
of the token key or of the logic, the next run for new changes refines all keys again; tick *everything* to do it at
once. A second run of the same interval changes nothing.

**When it fails** with "is not published", a rule of severity error is broken. Readers still see the previous rows, the
new rows wait on the branch `audit` of the tables, and an alert shows the rule. Fix the rule or the source, then clear
the task. Otherwise read the log of the Spark job in the task.
"""

SCHEMAS = applied_index(INCLUDE.parent)
CONTRACTS = load_index(SCHEMAS).values()

ONLY = get_parsing_context().dag_id

for contract in (c for c in CONTRACTS if c.refined):
    if ONLY not in (None, names.refine_dag(contract)):
        continue
    landed = AssetWatcher(name="landed", trigger=RawLandedTrigger(contract.id, str(SCHEMAS)))
    with DAG(
        dag_id=names.refine_dag(contract),
        schedule=AssetOrTimeSchedule(
            timetable=CronDataIntervalTimetable("@daily", "UTC"), assets=[raw_asset(contract, watchers=[landed])]
        ),
        start_date=FIRST_DAY,
        max_active_runs=1,
        catchup=False,
        default_args={"owner": contract.owner, "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
        tags=["refine", "lake", contract.domain],
        params={
            "days": Param(
                [],
                **DRAFT,
                type=["null", "array"],
                items={"type": "string"},
                description="Days to refine instead of the run's interval: 2017-03-06, or 2017-03-06/2017-03-12.",
            ),
            "everything": Param(
                False, **DRAFT, type="boolean", description="Refine all keys, not only those of an interval."
            ),
        },
        doc_md=DOC.format(
            dataset=contract.id,
            cleaned=names.lake_table(contract, "cleaned"),
            time=f"happened (`{contract.event_time}`) or was committed" if contract.event_time else "was committed",
        ),
    ) as dag:
        refine = RefineOperator(
            task_id="refine",
            dataset=contract.id,
            application=JOB,
            schemas=str(SCHEMAS),
            pool="refine",
            outlets=[cleaned_asset(contract)],
        )
        if contract.loaded:
            refine >> ServeOperator(task_id="serve", dataset=contract.id, schemas=str(SCHEMAS))
    globals()[dag.dag_id] = dag
