"""Plan and apply the contracts to every system; hold back breaking changes, apply the rest, declare the lineage."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.contracts.index import contracts_folder
from headrace.services.apply.operators import ApplyContractsOperator
from headrace.services.lineage.operators import EmitDeclaredLineageOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.warehouse.operators import ApplySqlLayerOperator, OpenLakeOperator

GOES_ON = {"trigger_rule": "all_done"}
"""Trigger rule of tasks that also run after a dataset was held back; `all_applied` sets the state of the run."""
INCLUDE = Path(__file__).parents[1] / "include"
SCHEMAS = str(contracts_folder(INCLUDE.parent))
METRICS = INCLUDE / "sql" / "metrics"
APPLIED = applied_index(INCLUDE.parent)
DAGS = Path(__file__).parent
FOLLOWING = ("streams", "refine", "marts", "prove_raw", "steer_connectors")
"""DAG files whose DAGs depend on the applied contracts; they are parsed again after an apply."""
QUALITY = INCLUDE / "sql" / "quality"

with DAG(
    dag_id="apply_contracts",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", **ALERTING},
    tags=["contracts"],
    params={
        "datasets": Param(
            [], type=["null", "array"], items={"type": "string"}, description="Datasets to apply. Empty: all datasets."
        ),
        "plan_only": Param(False, type="boolean", description="Show the plan. Change nothing."),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Apply the contracts

**What it does.** Creates and updates lake tables, warehouse tables and views, topics, subjects and connectors from the
contracts under `include/schemas`. Creates the metric tables of `include/sql/metrics` and the quality results of
`include/sql/quality`. Gives ClickHouse access to the lake. Declares the lineage. The task's log shows the plan as a
diff; its XCom and the platform's database keep the plan. Streams, refinements, marts, checks and watches follow the
contracts that this DAG applied last: an edited contract has no effect before it is applied. DAGs of a new dataset
appear within seconds.

**Runs** when you trigger it: after a contract was changed, or to see drift (tick *plan_only*: nothing is changed).
A second run has nothing to do.

**When it fails**, some datasets were held back and the others were applied. The log of *apply* lists each dataset, the
reason, every table, stream and view that a refused change would affect, and the next step. A dataset that is held back
keeps its last applied contract. If a system does not answer, finished steps stay; the next run continues from there.
""",
) as dag:
    apply = ApplyContractsOperator(
        task_id="apply",
        schemas=SCHEMAS,
        metrics=str(METRICS / "lineage.json"),
        datasets="{{ params.datasets }}",
        plan_only="{{ params.plan_only }}",
        marts=str(INCLUDE / "sql" / "marts"),
        index=str(APPLIED),
        dags=[str(DAGS / f"{name}.py") for name in FOLLOWING],
    )
    metrics = ApplySqlLayerOperator(
        task_id="make_metrics", folder=str(METRICS), plan_only="{{ params.plan_only }}", **GOES_ON
    )
    quality = ApplySqlLayerOperator(
        task_id="make_quality", folder=str(QUALITY), plan_only="{{ params.plan_only }}", **GOES_ON
    )
    lake = OpenLakeOperator(task_id="open_lake", plan_only="{{ params.plan_only }}", **GOES_ON)
    lineage = EmitDeclaredLineageOperator(
        task_id="declare_lineage",
        contracts=str(APPLIED),
        metrics=str(METRICS / "lineage.json"),
        plan_only="{{ params.plan_only }}",
        retries=2,
        **GOES_ON,
    )
    apply >> [metrics, quality, lake] >> lineage
    [apply, metrics, quality, lake, lineage] >> EmptyOperator(task_id="all_applied")
