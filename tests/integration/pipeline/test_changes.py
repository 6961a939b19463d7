"""The two paths end to end: a row, an update, a delete, from a commit in PostgreSQL to warehouse and lake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

SERVED = """
    SELECT quantity, sales_value, household_id, checked_out_at FROM retail.transactions
     WHERE basket_id = {basket:Int64}"""
HISTORY = """
    SELECT _op, quantity FROM retail.transactions_changes FINAL WHERE basket_id = {basket:Int64} ORDER BY _offset"""
AT = datetime(2017, 3, 20, 10, 15, 30, 123456, UTC)


def test_a_row_an_update_and_a_delete_arrive_in_both_lanes(
    oltp: Any, sell: Any, warehouse: Any, raw: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    basket = new_id()

    def served() -> list[tuple[Any, ...]]:
        return [tuple(row) for row in warehouse(SERVED, basket=basket)]

    sell(basket, quantity=2, sales="3.10", at=AT)
    eventually(lambda: [row[:3] for row in served()], [(2, Decimal("3.10"), None)])
    assert served()[0][3].replace(tzinfo=UTC) == AT
    oltp.execute("UPDATE retail.transactions SET quantity = 5, sales_value = 7.75 WHERE basket_id = %s", [basket])
    eventually(lambda: [row[:2] for row in served()], [(5, Decimal("7.75"))])
    oltp.execute("DELETE FROM retail.transactions WHERE basket_id = %s", [basket])
    eventually(served, [])
    history = [tuple(row) for row in warehouse(HISTORY, basket=basket)]
    assert history == [("c", 2), ("u", 5), ("d", 5)]

    def landed() -> list[tuple[Any, ...]]:
        rows = raw("retail_transactions", f"basket_id = {basket}")
        return [(row["_op"], row["quantity"], row["sales_value"], row["checked_out_at"]) for row in rows]

    expected = [("c", 2, Decimal("3.10"), AT), ("u", 5, Decimal("7.75"), AT), ("d", 5, Decimal("7.75"), AT)]
    eventually(landed, expected)


def test_metrics_follow_corrections_exactly(
    oltp: Any, sell: Any, warehouse: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    first, second, store = new_id(), new_id(), 999_001
    query = """
        SELECT sales, units, baskets, active_households FROM metrics.sales_by_minute_store
         WHERE store_id = {store:Int32} AND minute = toDateTime64('2017-05-05 12:30:00', 0, 'UTC')"""
    at = "2017-05-05 12:30:20+00"

    def cell() -> list[tuple[Any, ...]]:
        return [tuple(row) for row in warehouse(query, store=store)]

    oltp.execute("DELETE FROM retail.transactions WHERE store_id = %s", [store])
    eventually(lambda: [row for row in cell() if row[2]], [])
    sell(first, product=1, household=7, store=store, quantity=1, sales="2.00", at=at)
    sell(first, product=2, household=7, store=store, quantity=3, sales="4.50", at=at)
    sell(second, product=1, household=8, store=store, quantity=1, sales="1.00", at=at)
    eventually(cell, [(Decimal("7.50"), 5, 2, 2)])
    oltp.execute(
        "UPDATE retail.transactions SET quantity = 2, sales_value = 3.00 WHERE basket_id = %s AND product_id = 2",
        [first],
    )
    eventually(cell, [(Decimal("6.00"), 4, 2, 2)])
    oltp.execute("DELETE FROM retail.transactions WHERE basket_id = %s", [second])
    eventually(cell, [(Decimal("5.00"), 3, 1, 1)])
