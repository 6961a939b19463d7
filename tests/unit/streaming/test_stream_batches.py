"""Planned batches: each topic is served, held or passed by itself, and nothing that was read is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from headrace.streaming.batches import ANEW, RETRY_S, Batches
from headrace.streaming.decode import DeadLetter
from headrace.streaming.holds import Holds
from headrace.streaming.offsets import planned
from headrace.streaming.pulse import Done, Pulse
from headrace.streaming.reading import SCHEMA, Gone, Place, Range, Slice

LINES, VISITS = ("lines", 0), ("visits", 0)


@dataclass
class Kafka:
    """Partitions as ranges of offsets; a slice holds three records at most."""

    kept_: dict[Place, Range] = field(default_factory=dict)

    def kept(self, place: Place) -> Range:
        return self.kept_.get(place, Range(0, 0))

    def slices(self, ranges: Mapping[Place, Range]) -> Iterator[Slice]:
        places = [(place, offset) for place, each in ranges.items() for offset in range(each.start, each.end)]
        for place, offset in places:
            if not self.kept(place).start <= offset < self.kept(place).end:
                raise Gone(place)
        if len(places) <= 3:
            yield Slice(records(places))
            return
        for place, each in ranges.items():
            for first in range(each.start, each.end, 3):
                part = [(place, offset) for offset in range(first, min(first + 3, each.end))]
                yield Slice(records(part), f"{place[0]}:{place[1]}:{first}")


def records(places: Sequence[tuple[Place, int]]) -> pa.Table:
    rows = [
        {"topic": topic, "partition": partition, "offset": offset, "value": b"v"}
        for (topic, partition), offset in places
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


@dataclass
class Query:
    """Serves whatever is not refused."""

    topics: Sequence[str] = ("lines", "visits")
    refused: set[str] = field(default_factory=set)
    served: dict[str, list[int]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def serve(self, batch: pa.Table, token: str) -> Done:
        self.tokens.append(token)
        held = {}
        for row in batch.to_pylist():
            if row["topic"] in self.refused:
                held[row["topic"]] = "it says no"
            else:
                self.served.setdefault(row["topic"], []).append(row["offset"])
        return Done(batch.num_rows, held=held)

    def set_aside(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.dead_letters += dead_letters


class Text:
    """A store in memory."""

    text = ""

    def read(self) -> str:
        return self.text

    def write(self, text: str) -> None:
        self.text = text


class World:
    def __init__(self, absent: Iterable[str] = ()) -> None:
        self.now = 0.0
        self.kafka, self.query, self.store, self.pulse = Kafka(), Query(), Text(), Pulse("cdc")
        self.kafka.kept_ = {LINES: Range(0, 100), VISITS: Range(0, 100)}
        self.start(absent)

    def start(self, absent: Iterable[str] = ()) -> None:
        """As a new driver does."""
        self.batches = Batches(
            self.query, self.kafka, Holds.read(self.store), self.pulse, absent=absent, clock=lambda: self.now
        )

    def retry(self) -> None:
        self.now += RETRY_S
        self.batches.retry()


def test_ranges_are_between_the_ends_of_two_batches() -> None:
    before, after = {"a": {"0": 5, "1": 7}}, {"a": {"0": 9, "1": 7}, "b": {"0": 3}, "c": {"0": 2}}
    firsts: dict[Place, int] = {("b", 0): 1, ("c", 0): 2}
    assert planned(before, after, firsts.__getitem__) == {("a", 0): Range(5, 9), ("b", 0): Range(1, 3)}


def test_a_batch_that_fits_is_one_slice_and_a_larger_one_several_with_names_that_stay() -> None:
    world = World()
    world.batches.serve({LINES: Range(0, 2), VISITS: Range(5, 6)}, "t:0")
    world.batches.serve({LINES: Range(2, 7), VISITS: Range(6, 7)}, "t:1")
    assert world.query.tokens == ["t:0", "t:1:lines:0:2", "t:1:lines:0:5", "t:1:visits:0:6"]
    assert world.query.served == {"lines": list(range(7)), "visits": [5, 6]}


def test_a_topic_that_is_refused_is_held_and_goes_on_by_itself_when_it_is_healed() -> None:
    world = World()
    world.query.refused = {"lines"}
    world.batches.serve({LINES: Range(0, 2), VISITS: Range(0, 1)}, "t:0")
    world.batches.serve({LINES: Range(2, 9), VISITS: Range(1, 2)}, "t:1")
    assert world.query.served == {"visits": [0, 1]}
    assert world.pulse.troubles["lines"].startswith("it says no (its rows have been waiting since 20")
    world.start()
    world.retry()
    assert "lines" not in world.query.served
    world.query.refused, world.kafka.kept_[LINES] = set(), Range(0, 9)
    world.retry()
    assert world.query.served["lines"] == list(range(9))
    assert world.pulse.troubles == {}
    world.batches.serve({LINES: Range(9, 9)}, "t:2")
    world.start()
    assert world.pulse.troubles == {}


def test_a_long_hold_is_served_for_a_while_at_once_and_stays_where_it_was() -> None:
    world = World()
    world.query.refused = {"lines"}
    world.batches.serve({LINES: Range(0, 10)}, "t:0")
    world.query.refused = set()
    serve = world.query.serve

    def slow(batch: pa.Table, token: str) -> Done:
        world.now += RETRY_S + 1
        return serve(batch, token)

    world.query.serve = slow  # type: ignore[method-assign]
    world.kafka.kept_[LINES] = Range(0, 10)
    for _ in range(6):
        world.retry()
        world.start()
    assert sorted(set(world.query.served["lines"])) == list(range(10))
    assert world.pulse.troubles == {}


def test_a_planned_batch_can_be_passed_after_its_contract_was_removed() -> None:
    world = World()
    world.query.refused = {"lines"}
    world.batches.serve({LINES: Range(0, 2)}, "t:0")
    world.query.topics = ("visits",)
    world.start()
    world.batches.serve({LINES: Range(2, 4), VISITS: Range(0, 2), ("gone", 3): Range(1, 2)}, "t:1")
    assert (world.query.served, world.pulse.troubles, world.query.dead_letters) == ({"visits": [0, 1]}, {}, [])


@pytest.mark.parametrize(("kept", "served", "lost"), [(Range(3, 9), [3, 4, 5], "0 to 2"), (Range(0, 0), [], "0 to 5")])
def test_what_kafka_removed_before_it_was_read_is_a_dead_letter(kept: Range, served: list[int], lost: str) -> None:
    world = World()
    world.kafka.kept_[LINES] = kept
    world.batches.serve({LINES: Range(0, 6), VISITS: Range(0, 1)}, "t:0")
    assert (world.query.served.get("lines", []), world.query.served["visits"]) == (served, [0])
    (dead_letter,) = world.query.dead_letters
    assert (dead_letter.topic, dead_letter.offset, dead_letter.rule) == ("lines", 0, "lost")
    assert f"the offsets {lost} of this partition" in dead_letter.reason


def test_a_topic_that_was_made_anew_is_held_for_good() -> None:
    world = World()
    world.batches.serve({LINES: Range(50, 4), VISITS: Range(0, 1)}, "t:0")
    world.retry()
    assert world.query.served == {"visits": [0]}
    assert ANEW in world.pulse.troubles["lines"]


def test_a_missing_topic_is_reported() -> None:
    world = World(absent=["lines"])
    world.batches.serve({VISITS: Range(0, 1)}, "t:0")
    assert "no such topic" in world.pulse.troubles["lines"]
