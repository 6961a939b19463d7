"""A shop that trades through several faults, and one comparison of all hops at their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import psycopg

from tests.support.live_shop import Shop
from tests.support.three_hops import judge
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Stack

ROWS_PER_S = 40
FLOWS_WITHIN_S = 150
MARK = """
    INSERT INTO retail.transactions (basket_id, product_id, household_id, store_id, quantity, sales_value,
                                     retail_discount, coupon_discount, coupon_match_discount, week, checked_out_at)
    VALUES (%s, 25671, NULL, 330, 1, 1.00, 0, 0, 0, 12, now())
    ON CONFLICT DO NOTHING"""
SERVED = "SELECT count() FROM retail.transactions WHERE basket_id = {basket:Int64}"


class TradingWindow:
    """The shop trades from the start until `settle`, which also compares what every hop holds."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self._shop = Shop(stack.oltp_dsn, seed, ROWS_PER_S)
        self._checks: list[Callable[[], None]] = []
        self._marks = count(int(datetime.now(UTC).timestamp() * 1000))
        self._settled = False

    def trade(self, commits: int = 10) -> None:
        """Wait until the shop has committed so many transactions more."""
        self._shop.wait_for_commits(commits, 90)

    def flows(self) -> None:
        """Wait until a change that is committed now is served and landed: nothing on the way is stuck."""
        basket = next(self._marks)
        wait_until(lambda: self._committed(basket), 60, "the source takes no row")
        warehouse, lake = self._stack.systems.warehouse, self._stack.systems.lake
        wait_until(
            lambda: warehouse.rows(SERVED, {"basket": basket}) == [(1,)], FLOWS_WITHIN_S, "a change is not served"
        )
        wait_until(
            lambda: lake.catalog.load_table("raw.retail_transactions").scan(f"basket_id = {basket}").count() == 1,
            FLOWS_WITHIN_S,
            "a change has not landed in raw once",
        )

    def afterwards(self, check: Callable[[], None]) -> None:
        """Run a check after the comparison."""
        self._checks.append(check)

    def settle(self) -> None:
        """Close the shop; fail unless every hop holds what it committed, once, and every check passes. Runs once."""
        if self._settled:
            return
        self._settled = True
        assert self._shop.close().rows > 0
        judged = judge(self._stack)
        assert judged.equal, str(judged)
        for check in self._checks:
            check()

    def _committed(self, basket: int) -> bool:
        try:
            with psycopg.connect(self._stack.oltp_dsn, connect_timeout=5) as connection:
                connection.execute(MARK, [basket])
        except psycopg.OperationalError:
            return False
        return True
