"""One DAG a dataset: from raw to cleaned, history and quarantine."""

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
FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)

DOC = """
### Refine `{dataset}`

**Brings about** that the zones past raw hold what raw says: `{cleaned}` the rows as the source has them now, its
`history` every version of them with `_valid_from` and `_valid_to`, its `quarantine` the changes that broke a rule.
What the contract tokenises leaves raw only as a keyed hash.

**Runs** when something has landed in raw, for what has come since: within a minute or so on an idle machine, else no sooner
after the last run than the contract's `refineEvery` (5 minutes unless declared); daily, for the keys of which a
change {time} in the run's interval; and for any days by a backfill, or all in one run by its *days*: the rows of a key
follow from all its changes in raw, so intervals may come in any order, and again. After a change of a rule of the row,
of the tokens' key or of the logic the next run about what has come makes all keys anew; tick *everything* to have it at
once. A second run of the same interval changes nothing.

**When it fails** with "is not published", a rule of severity error is broken: readers still see what they saw before,
the rows wait on the branch `audit` of the tables, and an alert names the rule. Mend the rule or the source, then clear
the task. Otherwise read the log of the Spark job in the task.
"""

SCHEMAS = applied_index(INCLUDE.parent)
CONTRACTS = load_index(SCHEMAS).values()

ONLY = get_parsing_context().dag_id

for contract in (c for c in CONTRACTS if "cleaned" in c.zones and "raw" in c.zones):
    domain, dataset = contract.domain, contract.name
    if ONLY not in (None, f"refine_{domain}_{dataset}"):
        continue
    landed = AssetWatcher(name="landed", trigger=RawLandedTrigger(contract.id, str(SCHEMAS)))
    with DAG(
        dag_id=f"refine_{domain}_{dataset}",
        schedule=AssetOrTimeSchedule(
            timetable=CronDataIntervalTimetable("@daily", "UTC"), assets=[raw_asset(contract, watchers=[landed])]
        ),
        start_date=FIRST_DAY,
        max_active_runs=1,
        catchup=False,
        default_args={"owner": contract.owner, "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
        tags=["refine", "lake", domain],
        params={
            "days": Param(
                [],
                type=["null", "array"],
                items={"type": "string"},
                description="These days instead of the run's interval: 2017-03-06, or 2017-03-06/2017-03-12.",
            ),
            "everything": Param(False, type="boolean", description="All keys, not only those of an interval."),
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
