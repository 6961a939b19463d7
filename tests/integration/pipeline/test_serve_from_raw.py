"""Tables of the fast lane that were lost are made anew from raw by the DAG, while the shop trades."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Stack

DAG = "serve_from_raw"
DATASETS = ("products", "transactions")


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
