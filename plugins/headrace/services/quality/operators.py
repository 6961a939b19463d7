"""What a DAG may ask of quality: check what is served, and write the pages about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.services.lineage import places
from headrace.services.quality.alerts import alert_on
from headrace.services.quality.lineage import Checked, tell_lineage
from headrace.services.quality.outcomes import Outcome, forbids
from headrace.services.quality.results import Results, Run
from headrace.services.quality.served_view import ServedChecks, limits
from headrace.systems.endpoint import Endpoint
from headrace.systems.parameters import chosen
from headrace.systems.warehouse.hook import WarehouseHook

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckServedOperator(BaseOperator):
    """Asks the contracts' checks and rules of the served views, and fails when one of severity error is broken.

    All are asked before it fails. What they found is kept in `quality.results`, raised or resolved as alerts
    `served:<dataset>:<check>`, and told to OpenLineage. Outcomes of refinements that are not in `quality.results` yet are
    brought over.

    Args:
        schemas: the folder of the contracts.
        datasets: ids of the datasets to ask, a list or comma-separated; all that ClickHouse serves when empty.
        execution_s: how long one query may take, seconds.
        memory_mb: how much memory one query may take, MiB.
    """

    template_fields = ("datasets",)
    ui_color = "#e8daef"

    def __init__(
        self,
        *,
        schemas: str,
        datasets: Sequence[str] | str = (),
        execution_s: int = 60,
        memory_mb: int = 1024,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.datasets = datasets
        self.execution_s = execution_s
        self.memory_mb = memory_mb

    def execute(self, context: Context) -> dict[str, int]:
        """Dataset → how many of its checks are broken.

        Raises:
            AirflowFailException: a check of severity error is broken, a contract's rule cannot be asked, or a dataset is
                not known.
            SystemUnavailable, SystemRefused: a system does not answer, or refuses.
        """
        from airflow.sdk.exceptions import AirflowFailException

        from headrace.systems.platform.hook import PlatformHook

        contracts = load_index(Path(self.schemas))
        try:
            datasets = chosen_datasets(contracts, self.datasets)
        except ValueError as unknown:
            self.log.error("%s", unknown)
            raise AirflowFailException(str(unknown)) from unknown
        place = Endpoint.from_connection(WarehouseHook.default_conn_name)
        warehouse, platform = WarehouseHook(place), PlatformHook.from_connection()
        results, served = (
            Results(warehouse),
            ServedChecks(warehouse, contracts, limits(self.execution_s, self.memory_mb)),
        )
        run = Run(context["dag"].dag_id, str(context["run_id"]), datetime.now(UTC))
        wrong, broken, checked, known = list[str](), dict[str, int](), list[Checked](), places.datasets()
        for dataset in datasets:
            try:
                outcomes = served.ask(dataset)
            except ValueError as problem:
                wrong.append(f"{dataset}: {problem}")
                continue
            results.keep(dataset, "served", outcomes, run)
            alert_on(platform, dataset, "served", outcomes)
            checked.append(Checked(known.served(contracts[dataset]), outcomes))
            broken[dataset] = self._said(dataset, outcomes)
            wrong += [f"{dataset}: {problem}" for problem in forbids(outcomes)]
        tell_lineage(checked, f"{run.dag_id} {run.run_id}", run.at, self.log.warning)
        self.log.info("brought the outcomes of %d refinements over", results.bring_over(platform))
        if wrong:
            self.log.error("broken as served: %s", "; ".join(wrong))
            raise AirflowFailException("broken as served: " + "; ".join(wrong))
        return broken

    def _said(self, dataset: str, outcomes: Sequence[Outcome]) -> int:
        broken = sum(not outcome.passed for outcome in outcomes)
        self.log.info("%s: %d checks, %d broken", dataset, len(outcomes), broken)
        return broken


class WriteQualityPagesOperator(BaseOperator):
    """Writes one static page a dataset: its checks, where each is asked, and what came of them.

    Args:
        schemas: the folder of the contracts.
        folder: where to write; default: `HEADRACE_QUALITY_PAGES`, else `quality` in Airflow's home.
    """

    ui_color = "#e8daef"

    def __init__(self, *, schemas: str, folder: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.folder = folder

    def execute(self, context: Context) -> str:
        """The path of the front page. Raises SystemUnavailable, SystemRefused, OSError."""
        from headrace.services.quality.pages import write_pages

        front = write_pages(
            _folder(self.folder), load_index(Path(self.schemas)), Results(WarehouseHook.from_connection())
        )
        self.log.info("the pages begin at %s", front)
        return str(front)


def chosen_datasets(contracts: Mapping[str, Contract], asked: Sequence[str] | str) -> list[str]:
    """The datasets to ask: those named, or all that ClickHouse serves. Raises ValueError for one that is not there."""
    served = [dataset for dataset, contract in contracts.items() if contract.serving == "clickhouse"]
    return chosen(asked, served, "ClickHouse serves no such dataset; these it serves")


def _folder(given: str) -> Path:
    home = Path(os.environ.get("AIRFLOW_HOME", Path.home() / "airflow"))
    return Path(given or os.environ.get("HEADRACE_QUALITY_PAGES") or home / "quality")
