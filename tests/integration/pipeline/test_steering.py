"""Connectors are steered from Airflow, and nothing is lost while one is paused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stack

SINK = "lake-retail"


@pytest.mark.slow
def test_a_paused_sink_lands_what_it_missed_when_it_runs_again(
    stack: Stack, sell: Any, warehouse: Any, raw: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    def steer(action: str, state: str) -> None:
        run = stack.airflow.trigger("steer_connectors", {"connector": SINK, "action": action})
        stack.airflow.wait_for_run("steer_connectors", run, 120, lambda line: None)
        status = stack.systems.connect.status(SINK)
        assert status
        assert status.settled(state), status.summary

    stack.airflow.pause("steer_connectors", paused=False)
    basket = new_id()
    steer("pause", "PAUSED")
    try:
        sell(basket)
        query = "SELECT count() FROM retail.transactions WHERE basket_id = {basket:Int64}"
        eventually(lambda: warehouse(query, basket=basket)[0][0], 1)
        assert raw("retail_transactions", f"basket_id = {basket}") == []
    finally:
        steer("resume", "RUNNING")
    eventually(lambda: len(raw("retail_transactions", f"basket_id = {basket}")), 1)
