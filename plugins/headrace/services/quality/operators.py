"""Operators of quality: check the served data, and write the quality pages."""

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
from headrace.services.quality.lineage import Checked, emit_outcomes
from headrace.services.quality.outcomes import Outcome, forbids
from headrace.services.quality.results import Results, Run
from headrace.services.quality.served_view import ServedChecks, limits
from headrace.systems.endpoint import Endpoint
from headrace.systems.parameters import chosen
from headrace.systems.warehouse.hook import WarehouseHook

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckServedOperator(BaseOperator):
    """Runs the contracts' checks and rules on the served views; fails when one of severity error is broken.

    All checks run before it fails. Their outcomes are written to `quality.results`, raised or resolved as alerts
    `served:<dataset>:<check>`, and sent to OpenLineage. Outcomes of refinements that `quality.results` does not have
    yet are copied.

    Args:
        schemas: the folder of the contracts.
        datasets: ids of the datasets to check, a list or comma-separated; all that ClickHouse serves when empty.
        execution_s: time limit of one query, seconds.
        memory_mb: memory limit of one query, MiB.
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
        """Return the number of broken checks by dataset.

        Raises:
            AirflowFailException: a check of severity error is broken, a contract's rule is invalid, or a dataset is
                unknown.
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
                outcomes = served.run(dataset)
            except ValueError as problem:
                wrong.append(f"{dataset}: {problem}")
                continue
            results.keep(dataset, "served", outcomes, run)
            alert_on(platform, dataset, "served", outcomes)
            checked.append(Checked(known.served(contracts[dataset]), outcomes))
            broken[dataset] = self._log_broken(dataset, outcomes)
            wrong += [f"{dataset}: {problem}" for problem in forbids(outcomes)]
        emit_outcomes(checked, f"{run.dag_id} {run.run_id}", run.at, self.log.warning)
        self.log.info("copied the outcomes of %d refinements", results.bring_over(platform))
        if wrong:
            self.log.error("broken as served: %s", "; ".join(wrong))
            raise AirflowFailException("broken as served: " + "; ".join(wrong))
        return broken

    def _log_broken(self, dataset: str, outcomes: Sequence[Outcome]) -> int:
        broken = sum(not outcome.passed for outcome in outcomes)
        self.log.info("%s: %d checks, %d broken", dataset, len(outcomes), broken)
        return broken


class WriteQualityPagesOperator(BaseOperator):
    """Writes one static page per dataset: its checks, where each one runs, and their outcomes.

    Args:
        schemas: the folder of the contracts.
        folder: folder of the pages; default: `HEADRACE_QUALITY_PAGES`, else `quality` in Airflow's home.
    """

    ui_color = "#e8daef"

    def __init__(self, *, schemas: str, folder: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.folder = folder

    def execute(self, context: Context) -> str:
        """Write the pages; return the path of the front page. Raises SystemUnavailable, SystemRefused, OSError."""
        from headrace.services.quality.pages import write_pages

        front = write_pages(
            _folder(self.folder), load_index(Path(self.schemas)), Results(WarehouseHook.from_connection())
        )
        self.log.info("front page: %s", front)
        return str(front)


def chosen_datasets(contracts: Mapping[str, Contract], requested: Sequence[str] | str) -> list[str]:
    """Return the datasets to check: those given, or all that ClickHouse serves. Raises ValueError if unknown."""
    served = [dataset for dataset, contract in contracts.items() if contract.serving == "clickhouse"]
    return chosen(requested, served, "ClickHouse serves no such dataset; served datasets")


def _folder(given: str) -> Path:
    home = Path(os.environ.get("AIRFLOW_HOME", Path.home() / "airflow"))
    return Path(given or os.environ.get("HEADRACE_QUALITY_PAGES") or home / "quality")
