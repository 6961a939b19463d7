"""What the tests of the whole way of the data share."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from tests.conftest import Stack
from tests.support.alerts import Mailbox, Webhook
from tests.support.waiting import wait_for

SEEN_WITHIN_S = 60
_ids = itertools.count(int(time.time() * 1000))


@pytest.fixture
def new_id() -> Callable[[], int]:
    """A key that no row has had."""
    return lambda: next(_ids)


@pytest.fixture
def oltp(stack: Stack) -> Iterator[psycopg.Connection]:
    """The shop's database, each statement committed."""
    with psycopg.connect(stack.oltp_dsn, autocommit=True) as connection:
        yield connection


BASKET_LINE = """
    INSERT INTO retail.transactions (basket_id, product_id, household_id, store_id, quantity, sales_value,
                                     retail_discount, coupon_discount, coupon_match_discount, week, checked_out_at)
    VALUES (%(basket)s, %(product)s, %(household)s, %(store)s, %(quantity)s, %(sales)s, 0, 0, 0, 12, %(at)s)"""
LINE = {
    "product": 25671, "household": None, "store": 330, "quantity": 1, "sales": "1.00", "at": "2017-03-20 10:15:30+00",
}  # fmt: skip


@pytest.fixture
def sell(oltp: psycopg.Connection) -> Callable[..., None]:
    """`sell(basket, …)`: a line of a basket is booked, with these parts other than usual."""

    def booked(basket: int, **parts: Any) -> None:
        oltp.execute(BASKET_LINE, {**LINE, "basket": basket, **parts})

    return booked


@pytest.fixture
def warehouse(stack: Stack) -> Callable[..., list[Sequence[Any]]]:
    """`warehouse(query, **parameters)`: rows."""
    return lambda query, **parameters: stack.systems.warehouse.rows(query, parameters)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """`eventually(read, wanted)`: read until it gives what is wanted; fails with what it gave last."""

    return lambda read, wanted, seconds=SEEN_WITHIN_S: wait_for(read, wanted, seconds)


@pytest.fixture
def raw(stack: Stack) -> Callable[[str, str], list[dict[str, Any]]]:
    """`raw(table, filter)`: rows of a raw table, by source position."""

    def read(table: str, row_filter: str) -> list[dict[str, Any]]:
        found = stack.systems.lake.catalog.load_table(f"raw.{table}").scan(row_filter=row_filter).to_arrow().to_pylist()
        return sorted(found, key=lambda row: (row["_kafka_partition"], row["_offset"]))

    return read


@pytest.fixture
def steer(stack: Stack) -> Callable[[str, str, str], None]:
    """`steer(connector, action, state)`: from Airflow, until the connector has that state."""

    def ordered(connector: str, action: str, state: str) -> None:
        run = stack.airflow.trigger("steer_connectors", {"connector": connector, "action": action})
        stack.airflow.wait_for_run("steer_connectors", run, 120, lambda line: None)
        status = stack.systems.connect.status(connector)
        assert status
        assert status.settled(state), status.summary

    stack.airflow.pause("steer_connectors", paused=False)
    return ordered


@pytest.fixture
def notification(stack: Stack, eventually: Callable[..., Any]) -> Iterator[Callable[..., str]]:
    """`notification(*words)`: a message with all these words, once both receivers have got one; fails when one of them does not."""
    with Mailbox() as mail, Webhook() as hook:
        routes = [{"name": f"{name}-{time.time_ns()}", "url": place.url} for name, place in (("m", mail), ("h", hook))]
        before = stack.airflow.set_connection_extra("alerts_default", {"routes": routes})

        def wait(*words: str) -> str:
            def matching(texts: Iterable[str]) -> list[str]:
                return [text for text in texts if all(word in text for word in words)]

            def both() -> bool:
                mails = (" ".join(message.get_content().split()) for message in mail.messages)
                return bool(matching(mails) and matching(hook.bodies))

            eventually(both, True, 120)
            return matching(hook.bodies)[-1]

        yield wait
        stack.airflow.set_connection_extra("alerts_default", before)
