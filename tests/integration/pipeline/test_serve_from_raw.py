"""Tables of the fast lane that were lost are made anew from raw by the DAG, while the shop trades."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.contracts.index import load_index
from headrace.services.serving.from_raw import FromRaw
from tests.conftest import Stack
from tests.support.waiting import wait_until

DAG, SINK = "serve_from_raw", "lake-retail"
DATASETS = ("households", "transactions")
"""Not the products: metrics look a department up in what is served, when they count a line."""


@pytest.fixture(autouse=True)
def switched_on(stack: Stack) -> Iterator[None]:
    stack.airflow.pause(DAG, False)
    yield
    stack.airflow.pause(DAG, True)


@pytest.mark.timeout(400)
def test_tables_that_were_lost_are_whole_again_while_the_shop_trades(
    stack: Stack, trading: Any, oracle: Callable[[], Any], warehouse: Callable[..., Any]
) -> None:
    def changes() -> list[int]:
        return [warehouse(f"SELECT count() FROM retail.{name}_changes FINAL")[0][0] for name in DATASETS]

    with trading(61) as shop:
        shop.wait_for_commits(5)
    assert oracle().equal
    before = changes()
    with trading(62) as shop:
        shop.wait_for_commits(5)
        for name in DATASETS:
            for table in ("state", "changes"):
                stack.systems.warehouse.execute(f"TRUNCATE TABLE retail.{name}_{table}")
        run = stack.airflow.trigger(DAG, {"datasets": [f"retail.{name}" for name in DATASETS]})
        stack.airflow.wait_for_run(DAG, run, 240, lambda line: None)
        shop.wait_for_commits(5)
    judged = oracle()
    assert judged.equal, str(judged)
    assert all(now >= then > 0 for now, then in zip(changes(), before, strict=True))
    for name in DATASETS:
        (landed,) = warehouse(f"SELECT uniqExact(_kafka_partition, _offset) FROM lake.`raw.retail_{name}`")
        (served,) = warehouse(f"SELECT count() FROM retail.{name}_changes FINAL")
        assert served == landed


@pytest.mark.timeout(400)
def test_what_was_served_and_lost_before_it_landed_comes_back(
    stack: Stack, sell: Any, warehouse: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    """The stream will not bring it again, and raw does not hold it yet: it is waited for, though not for ever."""
    contract, warned = load_index(stack.settings.contracts)["retail.transactions"], list[str]()
    systems = stack.systems
    impatient = FromRaw(systems.kafka, systems.lake, systems.warehouse, patience_s=0)
    served = "SELECT count() FROM retail.transactions WHERE basket_id = {basket:Int64}"
    basket = new_id()
    systems.connect.pause(SINK)
    systems.connect.wait(SINK, "PAUSED")
    try:
        sell(basket)
        eventually(lambda: warehouse(served, basket=basket)[0][0], 1)
        impatient.serve(contract, warned.append)
        assert "raw.retail_transactions does not hold" in "".join(warned)
        assert warehouse(served, basket=basket)[0][0] == 1, "it was not lost, so it stays"
        for table in ("state", "changes"):
            stack.systems.warehouse.execute(f"TRUNCATE TABLE retail.transactions_{table}")
        run = stack.airflow.trigger(DAG, {"datasets": ["retail.transactions"]})
        wait_until(lambda: stack.airflow.task_states(DAG, run).get("serve") == "running", 60, "it does not run")
    finally:
        systems.connect.resume(SINK)
        systems.connect.wait(SINK, "RUNNING")
    stack.airflow.wait_for_run(DAG, run, 240, lambda line: None)
    assert warehouse(served, basket=basket)[0][0] == 1
