"""Locks that are lost while their holder works on: what it was about to write is not written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure, SystemUnavailable
from headrace.services.dead_letters.ledger import DeadLetterLedger
from headrace.services.dead_letters.record import DeadLetter, Position
from headrace.services.dead_letters.selection import Selection
from headrace.services.serving.store import Store
from headrace.systems.bundle import Systems
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.platform.locks import Held, unchecked
from tests.integration.systems.test_serving import clean, contract, served, serving_dsn, store, things

__all__ = ["clean", "contract", "serving_dsn", "store"]  # fixtures

Lose = Callable[[Held], None]


@pytest.fixture
def lose(stack: Any) -> Lose:
    """`lose(lock)`: PostgreSQL ends the session that holds it."""

    def end(lock: Held) -> None:
        with psycopg.connect(stack.superuser_dsn("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [lock._connection.info.backend_pid])

    return end


@pytest.fixture
def work(platform: PlatformHook) -> Iterator[Callable[[], Held]]:
    """`work()`: a holder of the lock `work`, who works until the test ends."""
    open_, taken = ExitStack(), list[Held]()

    def take() -> Held:
        taken.append(open_.enter_context(platform.lock("work")))
        return taken[-1]

    yield take
    with pytest.raises(SystemUnavailable, match="the lock work was lost") if taken else nullcontext():
        open_.close()  # nobody ends well who has lost it


def test_a_lost_lock_is_noticed_before_a_write_and_at_the_end(
    platform: PlatformHook, work: Callable[[], Held], lose: Lose
) -> None:
    first = work()
    first.check()
    with platform.transaction() as connection:
        first.fence(connection)
    lose(first)
    with pytest.raises(SystemUnavailable, match="its connection has ended"):
        first.check()
    with platform.transaction() as connection:
        first.fence(connection)  # nobody has taken it meanwhile
    with platform.lock("work") as second:
        assert second.token == first.token + 1
        second.check()
        with (
            pytest.raises(SystemUnavailable, match="another process has taken it"),
            platform.transaction() as connection,
        ):
            first.fence(connection)


def test_the_next_holder_waits_for_what_is_written_under_the_fence(
    platform: PlatformHook, work: Callable[[], Held], lose: Lose
) -> None:
    first = work()
    lose(first)
    take = "UPDATE locks SET token = token + 1 WHERE name = 'work'"
    with platform.transaction() as connection:
        first.fence(connection)
        with pytest.raises(SystemUnavailable, match="timeout"), platform.transaction() as other:
            other.execute("SET LOCAL lock_timeout = '50ms'")
            other.execute(take)
    with platform.transaction() as other:
        other.execute(take)


def test_dead_letters_are_neither_recorded_nor_claimed_without_the_lock(
    platform: PlatformHook, work: Callable[[], Held], lose: Lose
) -> None:
    ledger, first, topic, now = DeadLetterLedger(platform), work(), "dead.lake-shop", datetime.now(UTC)
    position = Position("lake-shop", "oltp.shop.lines", 0, 7)
    dead_letter = DeadLetter(position, "shop.lines", "record", "why", b"k", b"v", None, now)
    lose(first)
    with platform.lock("work") as second:
        with pytest.raises(SystemUnavailable):
            ledger.note([dead_letter], topic, {0: 3}, first)
        assert ledger.places(topic) == {}
        assert ledger.note([dead_letter], topic, {0: 9}, second) == 1
        waiting = ledger.waiting(Selection({}))
        with pytest.raises(SystemUnavailable):
            ledger.claim(waiting, first)
        assert ledger.open_batches() == []
        batch, claimed = ledger.claim(waiting, second)
        with pytest.raises(SystemUnavailable):
            ledger.done(batch, first)
        assert (ledger.open_batches(), claimed) == ([batch], waiting)


@pytest.mark.parametrize("checks_lock", [True, False], ids=["checks", "checked just before"])
def test_a_load_that_has_lost_its_lock_publishes_nothing(
    platform: PlatformHook, store: Store, systems: Systems, serving_dsn: str, contract: Contract, work: Any,
    lose: Lose, checks_lock: bool,
) -> None:  # fmt: skip
    """`checked just before`: the lock is lost between the last check and the write."""
    if not checks_lock and contract.serving == "postgres":
        pytest.skip("the check and the commit are in one transaction, which the next load waits for")
    first = work()

    def overtaken() -> Iterator[pa.Table]:
        yield things(n1="old")
        lose(first)
        with platform.lock("work") as second:
            store.load("snapshot 2", [things(n1="new"), things(n2="new")], 2, second.check)
        yield things(n2="old")

    with pytest.raises(SystemUnavailable if checks_lock else SystemFailure):
        store.load("snapshot 1", overtaken(), 2, first.check if checks_lock else unchecked)
    assert store.state() == "snapshot 2"
    assert served(systems, serving_dsn, contract) == [(1, "new"), (2, "new")]
