"""Destinations of a replay, and the state after it dies. Its parts are stand-ins that keep to the contract."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.errors import SystemRefused
from headrace.services.dead_letters.ledger import Batch, Entry
from headrace.services.dead_letters.quarantine import Kept
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.replay import AT_ONCE, Record, Replay, batches
from headrace.services.dead_letters.selection import Selection

ALL = Selection({})
AT = datetime(2026, 11, 24, tzinfo=UTC)


class Killed(BaseException):
    pass


class MemoryLedger:
    """The ledger in memory."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = {entry.id: entry for entry in entries}
        self.state = dict.fromkeys(self.entries, "waiting")
        self.batches: dict[int, tuple[Batch, list[int]]] = {}
        self.closed: set[int] = set()
        self.still: dict[int, str] = {}
        held = SimpleNamespace(check=lambda: None)
        self.platform = SimpleNamespace(lock=lambda _: contextlib.nullcontext(held))

    def waiting(self, _: Selection) -> list[Entry]:
        return [entry for number, entry in self.entries.items() if self.state[number] == "waiting"]

    def claim(self, entries: Sequence[Entry], _: Any) -> tuple[Batch, list[Entry]]:
        batch = Batch(len(self.batches) + 1, *entries[0].position[:2])
        self.batches[batch.id] = batch, [entry.id for entry in entries]
        self.state.update(dict.fromkeys(self.batches[batch.id][1], "claimed"))
        return batch, list(entries)

    def open_batches(self) -> list[Batch]:
        return [batch for number, (batch, _) in self.batches.items() if number not in self.closed]

    def of_batch(self, batch: Batch) -> list[Entry]:
        return [self.entries[number] for number in self.batches[batch.id][1]]

    def done(self, batch: Batch, _: Any) -> None:
        self.closed.add(batch.id)
        self.state.update(dict.fromkeys(self.batches[batch.id][1], "replayed"))

    def still_refused(self, reasons: Mapping[int, str]) -> None:
        self.still.update(reasons)


class MemoryDestination:
    """Keeps what is put, by token."""

    def __init__(self) -> None:
        self.unknown: set[int] = set()
        self.put_: list[tuple[str, list[int]]] = []
        self.dies: str = ""

    def unreadable(self, records: Sequence[Record]) -> dict[Position, str]:
        return {r.position: "unknown schema" for r in records if r.position.offset in self.unknown}

    def put(self, records: Sequence[Record], token: str) -> None:
        if self.dies == "before":
            raise Killed
        self.put_.append((token, [record.position.offset for record in records]))
        if self.dies == "after":
            raise Killed


def entry(number: int, refused_by: str = "lake-retail", topic: str = "t") -> Entry:
    return Entry(number, Position(refused_by, topic, 0, number), "retail.products", "record", "why")


class MemoryQuarantine:
    def __init__(self, *gone: int) -> None:
        self.gone = gone

    def kept(self, positions: Sequence[Position]) -> dict[Position, Kept]:
        return {p: Kept(None, b"v", AT) for p in positions if p.offset not in self.gone}


@pytest.fixture
def destination() -> Iterator[MemoryDestination]:
    yield MemoryDestination()


def replay(ledger: MemoryLedger, destination: MemoryDestination, *gone: int) -> Any:
    return Replay(ledger, MemoryQuarantine(*gone), lambda *_: destination).run(ALL)  # type: ignore[arg-type]


def test_what_can_be_read_is_put_once_and_the_rest_waits(destination: MemoryDestination) -> None:
    ledger = MemoryLedger(entry(1), entry(2), entry(3))
    destination.unknown = {2}
    outcome = replay(ledger, destination, 3)
    assert (outcome.replayed, outcome.still_refused) == ({"lake-retail": 1}, {"lake-retail": 2})
    assert ledger.state == {1: "replayed", 2: "waiting", 3: "waiting"}
    assert ledger.still == {2: "unknown schema", 3: "its record is not in the quarantine"}
    assert destination.put_ == [("letters:1", [1])]
    destination.unknown = set()
    assert replay(ledger, destination, 3).replayed == {"lake-retail": 1}
    assert replay(ledger, destination, 3).replayed == {}
    assert destination.put_ == [("letters:1", [1]), ("letters:2", [2])]


@pytest.mark.parametrize("dies", ["before", "after"])
def test_after_a_crash_the_same_dead_letters_are_put_under_the_same_token(
    destination: MemoryDestination, dies: str
) -> None:
    """Also when more dead letters can be read by then: under a token that is known they would be dropped unseen."""
    ledger = MemoryLedger(entry(1), entry(2))
    destination.unknown, destination.dies = {2}, dies
    with pytest.raises(Killed):
        replay(ledger, destination)
    destination.unknown, destination.dies = set(), ""
    outcome = replay(ledger, destination)
    assert outcome.replayed == {"lake-retail": 2}
    put = destination.put_ if dies == "before" else destination.put_[1:]
    assert put == [("letters:1", [1]), ("letters:2", [2])]
    assert set(ledger.state.values()) == {"replayed"}


def test_a_begun_batch_that_cannot_be_read_any_more_stays_open_and_stops_nobody(destination: MemoryDestination) -> None:
    ledger = MemoryLedger(entry(1), entry(2, "retail/cdc"))
    destination.dies = "before"
    with pytest.raises(Killed):
        replay(ledger, destination)
    destination.dies, destination.unknown = "", {1}
    outcome = replay(ledger, destination)
    assert "batch 1 of lake-retail" in outcome.problems[0]
    assert ledger.state == {1: "claimed", 2: "replayed"}


def test_a_place_that_refuses_leaves_its_batch_open() -> None:
    ledger, destination = MemoryLedger(entry(1)), MemoryDestination()

    def put(*_: Any) -> None:
        raise SystemRefused("lake", "here", "there is no table")

    destination.put = put  # type: ignore[method-assign]
    assert "there is no table" in replay(ledger, destination).problems[0]
    assert ledger.state == {1: "claimed"}


def test_a_removed_refuser_keeps_its_dead_letters() -> None:
    ledger = MemoryLedger(entry(1, "old/cdc"))

    def nowhere(*_: str) -> Any:
        raise SystemRefused("letters", "old/cdc", "no contract")

    outcome = Replay(ledger, MemoryQuarantine(), nowhere).run(ALL)  # type: ignore[arg-type]
    assert outcome.still_refused == {"old/cdc": 1}
    assert ledger.state == {1: "waiting"}


def test_a_batch_is_of_one_refuser_and_topic_and_bounded() -> None:
    entries = [entry(n, "a") for n in range(AT_ONCE + 1)] + [entry(1, "b", "t"), entry(2, "b", "u")]
    assert [len(part) for part in batches(entries)] == [AT_ONCE, 1, 1, 1]
