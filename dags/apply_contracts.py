"""Make every system what the contracts say: plan, refuse what would break, apply the rest, declare its lineage."""

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
"""Tasks that run also when something was held back; `all_applied` decides how the run ends."""
INCLUDE = Path(__file__).parents[1] / "include"
SCHEMAS = str(contracts_folder(INCLUDE.parent))
METRICS = INCLUDE / "sql" / "metrics"
APPLIED = applied_index(INCLUDE.parent)
DAGS = Path(__file__).parent
FOLLOWING = ("streams", "refine", "marts", "prove_raw", "steer_connectors")
"""DAG files that are other ones once other contracts were applied."""
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
            [], type=["null", "array"], items={"type": "string"}, description="Only these datasets; none: all."
        ),
        "plan_only": Param(False, type="boolean", description="Show what would change; change nothing."),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Apply the contracts

**Makes** lake tables, warehouse tables and views, topics, subjects and connectors what the contracts under
`include/schemas` say; makes the metric tables of `include/sql/metrics` and the quality results of `include/sql/quality`,
has ClickHouse read the lake, and declares the lineage of it all. The task's log shows the plan as a diff; its XCom and
the platform's database keep it. Everything that runs (streams, refinements, marts, checks, watches) follows what this DAG
applied last: a contract that is edited changes nothing until then. The DAGs of a new dataset appear some seconds later.

**Runs** when you trigger it: after a change of a contract, or to see drift (tick *plan_only*: nothing is changed anywhere).
A second run finds nothing to do.

**When it fails**, some datasets were held back and the rest was applied: the log of *apply* names each, the reason, every
table, stream and view that a refused change would hit, and what to do. A dataset that is held back goes on as it was
applied last. When a system does not answer, what was done stays done and the next run goes on from there.
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
