"""Make every system what the contracts say: plan, refuse what would break, apply the rest, declare its lineage."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.index import contracts_folder
from headrace.systems.lineage.operators import EmitDeclaredLineageOperator
from headrace.systems.notify.failures import TOLD
from headrace.systems.operators import ApplyContractsOperator
from headrace.systems.warehouse.operators import ApplySqlLayerOperator, OpenLakeOperator

INCLUDE = Path(__file__).parents[1] / "include"
SCHEMAS = str(contracts_folder(INCLUDE.parent))
METRICS = INCLUDE / "sql" / "metrics"
QUALITY = INCLUDE / "sql" / "quality"

with DAG(
    dag_id="apply_contracts",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", **TOLD},
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

**Brings about** that lake tables, warehouse tables and views, topics, subjects and connectors are what the contracts
under `include/schemas` say, that the metric tables of `include/sql/metrics` and the quality results of
`include/sql/quality` are there, that ClickHouse reads the lake, and that the lineage of it all is declared. The task's
log shows the plan as a diff; its XCom and the platform's database keep it.

**Runs** when you trigger it: after a change of a contract, or to see drift (tick *plan_only*). A second run finds
nothing to do.

**When it fails** with a refusal, nothing was touched: the log names the field, the rule and every table, stream and
view that would be hit. When a system does not answer, what was done stays done and the next run goes on from there.
""",
) as dag:
    apply = ApplyContractsOperator(
        task_id="apply",
        schemas=SCHEMAS,
        metrics=str(METRICS / "lineage.json"),
        datasets="{{ params.datasets }}",
        plan_only="{{ params.plan_only }}",
    )
    metrics = ApplySqlLayerOperator(task_id="make_metrics", folder=str(METRICS), plan_only="{{ params.plan_only }}")
    quality = ApplySqlLayerOperator(task_id="make_quality", folder=str(QUALITY), plan_only="{{ params.plan_only }}")
    lake = OpenLakeOperator(task_id="open_lake", plan_only="{{ params.plan_only }}")
    lineage = EmitDeclaredLineageOperator(
        task_id="declare_lineage",
        contracts=SCHEMAS,
        metrics=str(METRICS / "lineage.json"),
        plan_only="{{ params.plan_only }}",
        retries=2,
    )
    apply >> [metrics, quality, lake] >> lineage
