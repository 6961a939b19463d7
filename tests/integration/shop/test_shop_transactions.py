from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from psycopg import errors

from include.shop.baskets import Line
from include.shop.pacing import Stop
from include.shop.script import Batch, Correction, NewBasket, Void
from include.shop.transactions import TransactionWriter
from tests.integration.shop.wire import Cut, Wire, wire_to

pytestmark = pytest.mark.stack

Fetch = Callable[..., list[tuple[object, ...]]]
IDS = count(10**15)


@pytest.fixture
def wire(shop_database: str) -> Iterator[Wire]:
    with wire_to(shop_database) as wire:
        yield wire


def sale(*quantities: int) -> Batch:
    lines = tuple(Line(p, q, 100 * q, 10, 0, 0) for p, q in enumerate(quantities, start=1))
    basket = NewBasket(next(IDS), None, 1, 1, timedelta(), timedelta(), "sale", lines)
    return Batch((basket,))


def booked(fetch: Fetch, conninfo: str, batch: Batch) -> list[tuple[object, ...]]:
    return fetch(
        conninfo,
        "SELECT product_id, quantity FROM retail.transactions WHERE basket_id = %s ORDER BY 1",
        batch.baskets[0].basket_id,
    )


def test_a_batch_is_one_transaction_of_baskets_and_riders(shop_database: str, fetch: Fetch) -> None:
    writer = TransactionWriter(shop_database, Stop())
    first, second = sale(1, 2, 3), sale(4)
    basket_id = first.baskets[0].basket_id
    writer.commit(first)
    writer.commit(Batch(second.baskets, (Correction(basket_id, 2, 9, 123), Void(basket_id, 3))))
    writer.close()

    assert booked(fetch, shop_database, first) == [(1, 1), (2, 9)]
    (row,) = fetch(
        shop_database,
        "SELECT count(DISTINCT xmin::text), max(sales_value) FILTER (WHERE product_id = 2)::text"
        " FROM retail.transactions WHERE basket_id = %s OR basket_id = %s AND product_id = 2",
        second.baskets[0].basket_id,
        basket_id,
    )
    assert row == (1, "1.23")


@pytest.mark.parametrize(("cut", "outcome"), [("before", "committed"), ("after", "found")])
def test_a_commit_without_an_answer_is_looked_up_and_booked_once(
    wire: Wire, shop_database: str, fetch: Fetch, cut: Cut, outcome: str
) -> None:
    writer = TransactionWriter(wire.conninfo, Stop())
    writer.commit(sale(1))
    batch = sale(1, 2)
    wire.cut(cut)

    assert writer.commit(batch) == outcome
    assert wire.cuts == 1
    assert booked(fetch, shop_database, batch) == [(1, 1), (2, 2)]
    assert writer.commit(sale(1)) == "committed"
    writer.close()


def test_the_first_attempt_may_still_commit_while_the_second_is_made(shop_database: str, fetch: Fetch) -> None:
    """The lookup finds nothing yet, the primary key holds the repetition back."""
    batch = sale(1)
    with psycopg.connect(shop_database) as slow:
        slow.execute(
            "INSERT INTO retail.transactions VALUES (%s, 1, NULL, 1, 1, 1, 0, 0, 0, 1, now())",
            (batch.baskets[0].basket_id,),
        )
        writer = TransactionWriter(shop_database, Stop())
        threading.Timer(1.0, slow.commit).start()
        original = writer._book

        def book_after_a_lost_commit(batch: Batch) -> None:
            writer._book = original  # type: ignore[method-assign]
            writer._commit_sent = True
            raise psycopg.OperationalError("the answer to the first commit is lost")

        writer._book = book_after_a_lost_commit  # type: ignore[method-assign]
        assert writer.commit(batch) == "found"
        writer.close()
    assert booked(fetch, shop_database, batch) == [(1, 1)]


def test_a_killed_session_is_made_again(shop_database: str, fetch: Fetch) -> None:
    seen: list[str] = []
    writer = TransactionWriter(shop_database, Stop(), on_retry=lambda error, _: seen.append(str(error)))
    writer.commit(sale(1))
    with psycopg.connect(shop_database, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'headrace-shop' AND datname = current_database()"
        )
    batch = sale(7)
    assert writer.commit(batch) == "committed"
    writer.close()
    assert len(seen) == 1
    assert booked(fetch, shop_database, batch) == [(1, 7)]


def test_a_basket_that_is_another_shops_is_not_taken_for_ours(shop_database: str) -> None:
    writer = TransactionWriter(shop_database, Stop())
    batch = sale(1)
    writer.commit(batch)
    with pytest.raises(errors.UniqueViolation):
        writer.commit(batch)
    writer.close()


def test_what_trying_again_does_not_cure_is_raised(shop_database: str, fetch: Fetch) -> None:
    writer = TransactionWriter(shop_database, Stop())
    first, second = sale(1), sale(1)
    basket_id = first.baskets[0].basket_id
    writer.commit(first)
    with pytest.raises(errors.CheckViolation):
        writer.commit(Batch(second.baskets, (Correction(basket_id, 1, 1, -5),)))
    assert booked(fetch, shop_database, second) == []
    assert writer.commit(second) == "committed"
    writer.close()


def test_stopping_gives_up_on_a_database_that_stays_away() -> None:
    stop = Stop()
    stop.after(0.5)
    writer = TransactionWriter("host=127.0.0.1 port=1 user=nobody dbname=none", stop)
    assert writer.commit(sale(1)) == "abandoned"


def test_stopping_with_an_unknown_commit_reports_it(wire: Wire) -> None:
    stop = Stop()
    writer = TransactionWriter(wire.conninfo, stop, on_retry=lambda *_: stop.request())
    writer.commit(sale(1))
    wire.cut("after")
    assert writer.commit(sale(1)) == "unknown"
    writer.close()
