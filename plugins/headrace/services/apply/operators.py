"""Operator that plans and applies the contracts in every system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.errors import ContractErrors, HeadraceError, HeldBack, PlanRefused
from headrace.systems.parameters import is_yes, listed

if TYPE_CHECKING:
    from airflow.sdk import Context

    from headrace.contracts.contract import Contract
    from headrace.planning.impact import Dependent
    from headrace.systems.platform.hook import PlatformHook


class ApplyContractsOperator(BaseOperator):
    """Plans the changes that the contracts need in every system, logs the plan, and applies it.

    The plan is in the task's log as text, and in its XCom and the platform's database as JSON. A dataset is held back
    when its files cannot be read, a rule refuses it or one of its steps fails; so is what depends on it. The rest is
    applied, and the task fails at the end with the list of held-back datasets. A second run has nothing to do.

    Args:
        schemas: the folder of the contracts.
        datasets: ids of the datasets to plan for, a list or comma-separated; all when empty.
        plan_only: show and keep the plan, change nothing.
        settings: values of `PlanSettings` that do not follow from the connections.
        metrics: JSON file that declares the metric tables (see `planning.lineage_types.metric_tables`), for the
            messages of refusals; empty: no metric tables.
        marts: folder of the marts' SQL, from which the inputs of a mart are read; empty: no marts.
        index: path of the index of the applied contracts, which all services read; empty: not written.
        dags: DAG files that depend on the index; they are touched, so that Airflow parses them at once.
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
        marts: str = "",
        index: str = "",
        dags: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.datasets = datasets
        self.plan_only = plan_only
        self.settings = settings
        self.metrics = metrics
        self.marts = marts
        self.index = index
        self.dags = dags

    def execute(self, context: Context) -> dict[str, Any]:
        """Apply the contracts; return the plan as JSON: id, text, changes, refusals, notes, held, applied.

        Raises:
            AirflowFailException: datasets were refused, or the plan cannot be computed; a retry does not help.
            HeldBack: a step failed.
            SystemUnavailable: a system that every dataset needs does not answer.
        """
        from pathlib import Path

        from airflow.sdk.exceptions import AirflowFailException

        from headrace.contracts.loading import read_folder
        from headrace.planning.render import render, to_json
        from headrace.services.apply import engine
        from headrace.services.connectors.reconcile import sources_of
        from headrace.systems.bundle import Endpoints, Systems, plan_settings
        from headrace.systems.platform.applied import AppliedRecord
        from headrace.systems.platform.hook import PlatformHook

        try:
            folder = read_folder(Path(self.schemas))
        except ContractErrors as errors:
            raise AirflowFailException(str(errors)) from errors
        platform = PlatformHook.from_connection()
        platform.migrate()
        applied = AppliedRecord(platform).contracts()
        every = (*folder.contracts.values(), *applied.values())
        reached, unreachable = _reachable(sources_of(every))
        endpoints = Endpoints.from_connections(reached, serving=any(c.serving == "postgres" for c in every))
        systems = Systems.at(endpoints)
        request = engine.PlanRequest(
            tuple(folder.contracts.values()),
            unreadable={dataset: "; ".join(map(str, found)) for dataset, found in folder.errors.items()},
            unreachable=unreachable,
            datasets=tuple(listed(self.datasets)),
            dependents=_dependents(self.metrics),
            inputs=_inputs(self.marts, every),
        )
        try:
            planner = engine.observe(systems, request, plan_settings(endpoints, self.settings))
            plan = planner.plan()
        except (PlanRefused, ValueError) as wrong:  # unknown setting or dataset
            raise AirflowFailException(str(wrong)) from wrong
        text, shown = render(plan), to_json(plan)
        for line in text.splitlines():
            self.log.info("%s", line)
        number = systems.platform.record_plan(str(context["run_id"]), shown, text)
        result = {"id": number, "text": text, **shown, "applied": False}
        if is_yes(self.plan_only):
            return result
        try:
            engine.apply_plan(systems, planner, self.log.info, texts=folder.texts, number=number)
        except HeldBack as held:
            systems.platform.plan_failed(number, str(held))
            self.log.error("datasets were held back, the others were applied:\n%s", held)
            if held.retry:
                raise
            raise AirflowFailException(str(held)) from held
        except HeadraceError as error:
            systems.platform.plan_failed(number, str(error))
            raise
        finally:
            self._publish(platform, applied)
        systems.platform.plan_applied(number)
        return {**result, "applied": True}

    def _publish(self, platform: PlatformHook, before: Mapping[str, Contract]) -> None:
        """Write the index of the applied contracts, and stop the drivers of stream groups that no longer exist."""
        from pathlib import Path

        from headrace.planning.streams import stream_plans
        from headrace.services.streams.reconcile import stop_stream
        from headrace.systems.platform.applied import AppliedRecord

        if not self.index:
            return
        now = AppliedRecord(platform).write_index(Path(self.index))
        for group in stream_plans(before.values()).keys() - stream_plans(now.values()).keys():
            self.log.info("stream %s: no dataset is left in it; stopping its driver", group)
            stop_stream(group, platform)
        if dict(now) != dict(before):
            for file in self.dags:
                with suppress(OSError):  # Airflow parses a read-only folder again within a minute
                    Path(file).touch()


def _reachable(sources: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the source connections that exist, and for each other one why it is missing."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from headrace.contracts.names import airflow_connection
    from headrace.systems.endpoint import Endpoint

    missing: dict[str, str] = {}
    for source in sources:
        try:
            Endpoint.from_connection(airflow_connection(source))
        except (AirflowNotFoundException, HeadraceError) as error:
            missing[source] = str(error)
    return [source for source in sources if source not in missing], missing


def _inputs(marts: str, contracts: Iterable[Contract]) -> dict[str, list[str]]:
    """Return, by mart, the datasets that its SQL reads. Skip unreadable SQL; the mart's own task reports it."""
    from pathlib import Path

    from headrace.planning.marts import marts as marts_of
    from headrace.planning.marts import reads

    contracts, found = tuple(contracts), dict[str, list[str]]()
    for mart in marts_of(contracts) if marts else ():
        with suppress(OSError, ValueError):
            sql = (Path(marts) / f"{mart.name}.sql").read_text()
            found[mart.id] = [contract.id for contract in reads(sql, contracts)]
    return found


def _dependents(metrics: str) -> tuple[Dependent, ...]:
    """Return the metric tables of the file as dependents that a breaking change affects."""
    import json
    from pathlib import Path

    from headrace.planning.impact import Dependent
    from headrace.planning.lineage_types import metric_tables

    tables = metric_tables(json.loads(Path(metrics).read_text())) if metrics else ()
    return tuple(Dependent("table", t.name, frozenset(read.dataset for read in t.reads)) for t in tables)
