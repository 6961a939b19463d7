"""Batches of one query: read planned ranges in slices, serve them, and retry held topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import pyarrow as pa

from headrace.streaming.decode import DeadLetter
from headrace.streaming.holds import Holds
from headrace.streaming.pulse import Done, Pulse
from headrace.streaming.reading import Gone, Place, Range, Slice

RETRY_S: Final = 5.0
"""Seconds between two retries of a held topic, and longest duration of one retry."""
LOST: Final = "lost"
"""Rule of a dead letter for records that Kafka removed before they were read."""
ANEW: Final = (
    "the topic was re-created and its offsets start again: see 'Kafka has lost its data' in docs/how-to/troubleshoot.md"
)

ABSENT: Final = "Kafka has no such topic; it is read from its beginning once it exists"


class Handler(Protocol):
    """Handler that serves the batches of one query."""

    @property
    def topics(self) -> Sequence[str]:
        """Return the topics to read."""

    def serve(self, records: pa.Table, token: str) -> Done:
        """Serve one batch. `token` is the same at every try of the batch."""

    def set_aside(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Write dead letters."""


class Reader(Protocol):
    """Reader of Kafka ranges."""

    def slices(self, ranges: Mapping[Place, Range]) -> Iterable[Slice]:
        """Yield the records of the ranges, in slices. Raises SystemUnavailable, Gone."""

    def kept(self, place: Place) -> Range:
        """Return the offsets that Kafka has of a partition; an empty range if there is none.

        Raises SystemUnavailable.
        """


class Batches:
    """Serves the planned ranges of one query. Not thread-safe."""

    def __init__(
        self,
        handler: Handler,
        reader: Reader,
        holds: Holds,
        pulse: Pulse,
        *,
        absent: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create it. `absent` has the handler's topics that do not exist in Kafka."""
        self._handler = handler
        self._reader = reader
        self._holds = holds
        self._pulse = pulse
        self._absent = tuple(absent)
        self._clock = clock
        self._tried_at = float("-inf")
        holds.forget(holds.by_topic.keys() - set(handler.topics))
        self._note()

    def first(self, place: Place) -> int:
        """Return the first offset that Kafka has of a partition. Raises SystemUnavailable."""
        return self._reader.kept(place).start

    def serve(self, ranges: Mapping[Place, Range], token: str) -> Done:
        """Serve a batch.

        Topics without a dataset are skipped. A topic whose rows are refused is held, and the others are served.
        Raises SystemUnavailable, SystemRefused or Stopped; part of the batch may then be served.
        """
        mine = {place: each for place, each in ranges.items() if place[0] in self._handler.topics}
        for place, each in mine.items():
            if each.start > each.end:
                self._holds.hold({place[0]: ANEW}, {place: Range(0, each.end)}, for_good=True)
        mine = self._holds.without(mine)
        while True:
            try:
                done = self._served(mine, token)
            except Gone as gone:
                mine = self._without_lost(gone.place, mine)
            else:
                self._note()
                return done

    def retry(self) -> Done:
        """Serve held topics for up to RETRY_S seconds, if a retry is due. Raises as `serve` does."""
        total = Done()
        if not self._holds.by_topic or self._clock() - self._tried_at < RETRY_S:
            return total
        for topic in [topic for topic, hold in self._holds.by_topic.items() if not hold.for_good]:
            total = total.plus(self._retried(topic))
        self._tried_at = self._clock()
        self._note()
        return total

    def _served(self, ranges: Mapping[Place, Range], token: str) -> Done:
        total = Done()
        for part in self._reader.slices(ranges):
            done = self._handler.serve(part.records, f"{token}:{part.name}" if part.name else token)
            self._holds.hold(done.held, ranges)
            total = total.plus(done)
            self._pulse.moved()
        return total

    def _retried(self, topic: str) -> Done:
        starts = dict(self._holds.by_topic[topic].starts)
        ends = {partition: self._reader.kept((topic, partition)).end for partition in starts}
        ranges = {(topic, p): Range(start, ends[p]) for p, start in starts.items() if start < ends[p]}
        name = ",".join(f"{partition}:{each.start}" for (_, partition), each in sorted(ranges.items()))
        total, began = Done(), self._clock()
        try:
            for part in self._reader.slices(ranges):
                done = self._handler.serve(part.records, f"held:{topic}:{part.name or name}")
                total = total.plus(done)
                if done.held:
                    self._holds.hold(done.held, {})
                    self._holds.advance(topic, starts)
                    return total
                self._pulse.moved()
                if part.name:
                    starts[part.records["partition"][-1].as_py()] = part.records["offset"][-1].as_py() + 1
                    if self._clock() - began > RETRY_S:
                        self._holds.advance(topic, starts)
                        return total
        except Gone as gone:
            left = self._without_lost(gone.place, ranges)
            self._holds.advance(topic, {**starts, gone.place[1]: left[gone.place].start})
        else:
            self._holds.release(topic)
        return total

    def _without_lost(self, place: Place, ranges: Mapping[Place, Range]) -> dict[Place, Range]:
        """Return the ranges without the offsets that Kafka has lost of a partition; write a dead letter for these."""
        (topic, partition), each = place, ranges[place]
        kept = self._reader.kept(place)
        start = min(max(kept.start, each.start), each.end) if kept.end >= each.end else each.end
        reason = (
            f"Kafka no longer has the offsets {each.start:,} to {start - 1:,} of this partition, which were not read. "
            "If raw has them, serve_from_raw serves them"
        )
        self._handler.set_aside([DeadLetter(topic, partition, each.start, None, b"", reason, LOST)])
        return {**ranges, place: Range(start, each.end)}

    def _note(self) -> None:
        held = {topic: hold.text for topic, hold in self._holds.by_topic.items()}
        self._pulse.troubles = {**dict.fromkeys(self._absent, ABSENT), **held}
