"""What `./headrace up` switches on after the fast lane, and what its --wait waits for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.contracts.index import load_index
from headrace.contracts.names import mart_dag, raw_table, refine_dag
from headrace.planning.marts import marts
from headrace.services.refinement.ledger import Built, Ledger, Refined
from include.stack.commands.batch import NotFilled, refined, unfilled, wait_until_filled

CONTRACTS = load_index(Path(__file__).parents[3] / "include" / "schemas")


class Airflow:
    """The state of each DAG's newest run."""

    def __init__(self, **newest: str) -> None:
        self.newest = newest

    def runs(self, dag: str, **_: str) -> list[dict[str, str]]:
        return [{"state": self.newest[dag]}] if dag in self.newest else []


def test_every_refined_dataset_and_every_mart_has_its_dag() -> None:
    dags = {refine_dag(c) for c in refined(CONTRACTS.values())}
    assert "refine_retail_transactions" in dags
    assert not dags & {"refine_marts_household_value", "refine_platform_dead_letters"}
    assert "mart_household_value" in {mart_dag(c) for c in marts(CONTRACTS.values())}


def test_missing_are_the_marts_without_a_build_and_the_datasets_with_rows_that_were_not_refined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = {
        raw_table(CONTRACTS[f"retail.{name}"]): rows
        for name, rows in (("products", 5), ("coupons", 5), ("campaigns", 0))
    }
    monkeypatch.setattr(
        Ledger, "refined", lambda *_: {"retail.products": Refined(5, 1.0), "retail.coupons": Refined(0, 1.0)}
    )
    monkeypatch.setattr(
        Ledger, "built", lambda _, marts: {m: Built({}, 1.0) for m in marts if m != "marts.store_daily"}
    )
    here: Any = SimpleNamespace(lake=SimpleNamespace(records=raw.get), platform=None)
    assert list(unfilled(here, CONTRACTS.values())) == ["refine_retail_coupons", "mart_store_daily"]


def test_the_wait_reports_what_is_missing_and_ends_when_nothing_is() -> None:
    missing, lines = [("b", "c"), ("c",), ()], list[str]()
    wait_until_filled(Airflow(b="running"), lambda: missing.pop(0), lines.append, lambda _: None)
    assert lines == ["in the background: b, c", "in the background: c"]


def test_a_run_that_failed_ends_the_wait() -> None:
    with pytest.raises(NotFilled, match="failed: b; read their logs"):
        wait_until_filled(Airflow(a="running", b="failed"), lambda: ("a", "b"), lambda _: None)
