"""What `./headrace up` switches on after the fast lane, and what its --wait waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts.index import load_index
from include.stack.commands.batch import NotFilled, marts, refinements, wait_until_filled

CONTRACTS = load_index(Path(__file__).parents[3] / "include" / "schemas").values()


class Airflow:
    """Runs by DAG and state; each look brings the next of `coming` to success."""

    def __init__(self, done: dict[str, str], coming: tuple[str, ...] = ()) -> None:
        self.done = done
        self.coming = list(coming)

    def runs(self, dag: str, **query: str) -> list[dict[str, str]]:
        return [{"state": query["state"]}] if self.done.get(dag) == query["state"] else []

    def look(self, _: float) -> None:
        self.done[self.coming.pop(0)] = "success"


def test_every_refined_dataset_and_every_mart_has_its_dag() -> None:
    assert "refine_retail_transactions" in refinements(CONTRACTS)
    assert "mart_household_value" in marts(CONTRACTS)
    assert not set(refinements(CONTRACTS)) & {"refine_marts_household_value", "refine_platform_dead_letters"}


def test_the_wait_ends_with_the_last_success_and_says_what_is_missing() -> None:
    airflow, said = Airflow({"a": "success", "b": "running"}, ("c", "b")), list[str]()
    wait_until_filled(airflow, ("a", "b", "c"), said.append, airflow.look)
    assert said == ["in the background: b, c", "in the background: b"]


def test_a_run_that_failed_ends_the_wait() -> None:
    with pytest.raises(NotFilled, match="failed: b; see their logs"):
        wait_until_filled(Airflow({"a": "success", "b": "failed"}), ("a", "b"), lambda _: None)
