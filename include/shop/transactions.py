"""Commit batches to the database, each exactly once, also across database outages.

A batch whose commit got no answer may or may not be committed. It is never repeated before a
query for its basket. If the first attempt is still in progress, the primary key rejects the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Literal

import psycopg
from psycopg import errors, sql

from include.shop.pacing import Stop
from include.shop.script import (
    HOUSEHOLD_VALUES,
    PRODUCT_VALUES,
    Batch,
    Correction,
    NewBasket,
    RecordChange,
    Rider,
    Void,
)

Outcome = Literal["committed", "found", "abandoned", "unknown"]
"""Outcome of a batch. committed: acknowledged. found: no answer, but its basket exists.
abandoned: not committed because of a stop request. unknown: stopped before the outcome was checked."""

BACKOFF_S = (0.1, 5.0)
"""First and longest wait between attempts, in seconds."""

BOOK_LINES = """
INSERT INTO retail.transactions
    (basket_id, product_id, household_id, store_id, quantity, sales_value, retail_discount,
     coupon_discount, coupon_match_discount, week, checked_out_at)
SELECT basket_id, product_id, household_id, store_id, quantity, sales_value / 100.0,
    retail_discount / 100.0, coupon_discount / 100.0, coupon_match_discount / 100.0, week, at
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::integer[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[], %s::timestamptz[])
    AS line (basket_id, product_id, household_id, store_id, quantity, sales_value,
        retail_discount, coupon_discount, coupon_match_discount, week, at)
"""
REDEEM = """
INSERT INTO retail.coupon_redemptions (household_id, campaign_id, coupon_upc, redemption_date)
VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
CORRECT = """
UPDATE retail.transactions SET quantity = %s, sales_value = %s
WHERE basket_id = %s AND product_id = %s
"""
VOID = "DELETE FROM retail.transactions WHERE basket_id = %s AND product_id = %s"
IS_BOOKED = "SELECT EXISTS (SELECT FROM retail.transactions WHERE basket_id = %s)"
CHANGE = {
    (table, column): sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
        sql.Identifier("retail", table), sql.Identifier(column), sql.Identifier(key)
    )
    for table, key, values in (
        ("households", "household_id", HOUSEHOLD_VALUES),
        ("products", "product_id", PRODUCT_VALUES),
    )
    for column in values
}


class TransactionWriter:
    """Writer of batches over one connection, which it re-creates when it breaks. Not thread-safe."""

    def __init__(
        self,
        conninfo: str,
        stop: Stop,
        *,
        checked_out_at: Callable[[NewBasket], datetime] = lambda basket: now() - basket.lateness,
        on_retry: Callable[[psycopg.Error, float], None] = lambda _error, _wait_s: None,
    ) -> None:
        self._conninfo = conninfo
        self._stop = stop
        self._checked_out_at = checked_out_at
        self._on_retry = on_retry
        self._connection: psycopg.Connection | None = None
        self._jitter = Random()  # noqa: S311 - jitter, not a secret
        self._commit_sent = False

    def commit(self, batch: Batch) -> Outcome:
        """Commit one batch, with retries until it succeeds or a stop is requested.

        Raises errors that a retry cannot solve, such as a violated check.
        """
        in_doubt = False
        attempt = 0
        collided = False
        while True:
            try:
                if in_doubt and self._is_booked(batch):
                    return "found"
                self._book(batch)
                return "committed"
            except errors.UniqueViolation:
                if not in_doubt or collided:
                    raise
                collided = True
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                in_doubt = in_doubt or self._commit_sent
                wait_s = self._backoff(attempt)
                attempt += 1
                self._on_retry(error, wait_s)
                self._drop_if_broken()
                if self._stop.wait(wait_s):
                    return "unknown" if in_doubt else "abandoned"

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _book(self, batch: Batch) -> None:
        self._commit_sent = False
        connection = self._connected()
        with connection.transaction():
            connection.execute(BOOK_LINES, self._columns(batch.baskets))
            for basket in batch.baskets:
                if basket.redemption is not None:
                    day = self._checked_out_at(basket).date()
                    connection.execute(REDEEM, (basket.household_id, *basket.redemption, day))
            for rider in batch.riders:
                _apply(connection, rider)
            self._commit_sent = True

    def _columns(self, baskets: Iterable[NewBasket]) -> tuple[list[object], ...]:
        rows = [
            (
                basket.basket_id,
                line.product_id,
                basket.household_id,
                basket.store_id,
                line.quantity,
                line.sales_value,
                line.retail_discount,
                line.coupon_discount,
                line.coupon_match_discount,
                basket.week,
                at,
            )
            for basket in baskets
            for at in (self._checked_out_at(basket),)
            for line in basket.lines
        ]
        return tuple(map(list, zip(*rows, strict=True)))

    def _is_booked(self, batch: Batch) -> bool:
        row = self._connected().execute(IS_BOOKED, (batch.baskets[0].basket_id,)).fetchone()
        return bool(row and row[0])

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = connect(self._conninfo)
        return self._connection

    def _drop_if_broken(self) -> None:
        if self._connection is not None and self._connection.closed:
            self._connection = None

    def _backoff(self, attempt: int) -> float:
        shortest, longest = BACKOFF_S
        return self._jitter.uniform(shortest, min(longest, shortest * 2 ** min(attempt + 1, 16)))


def connect(conninfo: str) -> psycopg.Connection:
    """Return a connection that detects a dead server within seconds."""
    return psycopg.connect(
        conninfo,
        autocommit=True,
        application_name="headrace-shop",
        connect_timeout=5,
        tcp_user_timeout=10_000,
    )


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def shifted(origin: datetime) -> Callable[[NewBasket], datetime]:
    """Return a function for check-out times with the intervals of the history: `origin` plus replay time."""

    def checked_out_at(basket: NewBasket) -> datetime:
        return origin + basket.at - basket.lateness

    return checked_out_at


def _apply(connection: psycopg.Connection, rider: Rider) -> None:
    match rider:
        case Correction():
            value = Decimal(rider.sales_value).scaleb(-2)
            connection.execute(CORRECT, (rider.quantity, value, rider.basket_id, rider.product_id))
        case Void():
            connection.execute(VOID, (rider.basket_id, rider.product_id))
        case RecordChange():
            statement = CHANGE[rider.table, rider.column]
            connection.execute(statement, (rider.value, rider.key))
