"""What a DAG may ask of all systems together: make the contracts real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.index import load_index
from headrace.errors import ContractErrors, HeadraceError, PlanRefused

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.planning.blast import Dependent


class ApplyContractsOperator(BaseOperator):
    """Plans what contracts ask of every system, shows it, and carries it out.

    The plan stands in the task's log as text and in its XCom and the platform's database as JSON.
    A plan that would break what exists fails the task before anything is touched, and is not tried
    again. A second run finds nothing to do.

    Args:
        schemas: the folder of the contracts.
        datasets: ids of the datasets to plan for, a list or comma-separated; all when empty.
        plan_only: show and keep the plan, change nothing.
        settings: values of `PlanSettings` that do not follow from the connections.
        metrics: JSON file that declares the metric tables (see `planning.lineage_types.metric_tables`), for the
            words of a refusal; empty: there are none.
    """

    template_fields = ("datasets", "plan_only", "settings")
    ui_color = "#fcf3cf"

    def __init__(
        self,
        *,
        schemas: str,
        datasets: Sequence[str] | str = (),
        plan_only: bool | str = False,
        settings: Mapping[str, Any] | None = None,
        metrics: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.datasets = datasets
        self.plan_only = plan_only
        self.settings = settings
        self.metrics = metrics

    def execute(self, context: Context) -> dict[str, Any]:
        """The plan as JSON: id, text, changes, refusals, notes, applied.

        Raises:
            AirflowFailException: a contract is wrong, or the plan is refused.
            SystemUnavailable: a system does not answer.
        """
        from pathlib import Path

        from airflow.sdk.exceptions import AirflowFailException

        from headrace.planning.render import render, to_json
        from headrace.systems import apply
        from headrace.systems.bundle import Endpoints, Systems, plan_settings
        from headrace.systems.connect.care import sources_of

        try:
            contracts = tuple(load_index(Path(self.schemas)).values())
        except ContractErrors as errors:
            raise AirflowFailException(str(errors)) from errors
        endpoints = Endpoints.from_connections(
            sources_of(contracts), serving=any(contract.serving == "postgres" for contract in contracts)
        )
        systems = Systems.at(endpoints)
        systems.platform.migrate()
        try:
            plan = apply.make_plan(
                systems,
                contracts,
                plan_settings(endpoints, self.settings),
                datasets=listed(self.datasets),
                dependents=_dependents(self.metrics),
            )
        except (PlanRefused, ValueError) as wrong:  # a setting, a dataset or a connection that is not known
            raise AirflowFailException(str(wrong)) from wrong
        text, shown = render(plan), to_json(plan)
        for line in text.splitlines():
            self.log.info("%s", line)
        number = systems.platform.record_plan(str(context["run_id"]), shown, text)
        result = {"id": number, "text": text, **shown, "applied": False}
        if is_yes(self.plan_only):
            return result
        try:
            apply.apply_plan(systems, plan, self.log.info)
        except PlanRefused as refused:
            systems.platform.plan_failed(number, str(refused))
            raise AirflowFailException(str(refused)) from refused
        except HeadraceError as error:
            systems.platform.plan_failed(number, str(error))
            raise
        systems.platform.plan_applied(number)
        return {**result, "applied": True}


def _dependents(metrics: str) -> tuple[Dependent, ...]:
    """The metric tables of the file, as what a breaking change would hit."""
    import json
    from pathlib import Path

    from headrace.planning.blast import Dependent
    from headrace.planning.lineage_types import metric_tables

    tables = metric_tables(json.loads(Path(metrics).read_text())) if metrics else ()
    return tuple(Dependent("table", t.name, frozenset(read.dataset for read in t.reads)) for t in tables)


def listed(datasets: Sequence[str] | str | None) -> list[str]:
    """Ids from a list, or from text or nothing, as a form gives them."""
    parts = datasets.split(",") if isinstance(datasets, str) else datasets or ()
    return [part.strip() for part in parts if part.strip()]


def chosen(asked: Sequence[str] | str | None, there: Sequence[str], otherwise: str) -> list[str]:
    """The datasets that are asked for, or all there are. Raises ValueError, with `otherwise`, for one that is not there."""
    named = listed(asked)
    if unknown := [dataset for dataset in named if dataset not in there]:
        raise ValueError(f"{', '.join(unknown)}: {otherwise}: {', '.join(there)}")
    return named or list(there)


def is_yes(value: bool | str) -> bool:
    """A flag that may have come through a template as text."""
    return value if isinstance(value, bool) else value.strip().lower() in ("true", "1", "yes")
