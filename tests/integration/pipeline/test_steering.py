"""Connectors are steered from Airflow, and nothing is lost while one is paused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SINK = "lake-retail"


@pytest.mark.slow
def test_a_paused_sink_lands_what_it_missed_when_it_runs_again(
    sell: Any,
    warehouse: Any,
    raw: Any,
    eventually: Any,
    new_id: Callable[[], int],
    steer: Callable[[str, str, str], None],
) -> None:
    basket = new_id()
    steer(SINK, "pause", "PAUSED")
    try:
        sell(basket)
        query = "SELECT count() FROM retail.transactions WHERE basket_id = {basket:Int64}"
        eventually(lambda: warehouse(query, basket=basket)[0][0], 1)
        assert raw("retail_transactions", f"basket_id = {basket}") == []
    finally:
        steer(SINK, "resume", "RUNNING")
    eventually(lambda: len(raw("retail_transactions", f"basket_id = {basket}")), 1)
