"""Compare Kafka with raw and the dead letters, window by window, so that memory does not grow with the topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.services.proving.gaps import Gap, Place, gaps, removed, start
from headrace.services.proving.ledger import Found, GapLedger
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import messages_to_end
from headrace.systems.lake.hook import LakeHook

WINDOW: Final = 200_000
"""Number of records that are compared at once."""
AT_ONCE: Final = 200
"""Number of whole records in memory while their offsets are read; each may be as large as the largest record."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Compares the topics of datasets with raw and the dead letters."""

    kafka: KafkaHook
    connect: ConnectHook
    lake: LakeHook
    ledger: GapLedger
    settle_s: float
    """Seconds that the sink may take to commit what it has read."""
    poll_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep

    def prove(self, contract: Contract) -> list[Found]:
        """Close gaps whose records are there now, and compare new records; return the open gaps.

        Raises:
            SystemUnavailable, SystemRefused: a system does not answer, or refuses. What was compared until then is
            kept.
        """
        for found in self.ledger.open(contract.id):
            if self._missing(contract, found.partition, found.gap) <= 0:
                self.ledger.close(found, "landed")
        topic = names.topic(contract)
        end = self.kafka.end_offsets(topic)
        for partition, place in self._places(contract, topic, end).items():
            self._prove(contract, topic, partition, place, min(place.read, end[partition]))
        return self.ledger.open(contract.id)

    def _places(self, contract: Contract, topic: str, end: Mapping[int, int]) -> dict[int, Place]:
        """Return the partitions of which the sink has read records."""
        read = sink_offsets(self.connect, names.sink_connector(contract.domain), topic)
        begin, proven = self.kafka.begin_offsets(topic), self.ledger.proven(topic)
        # A re-created topic ends before its proven offset.
        known = {p: offset for p, offset in proven.items() if offset <= end.get(p, 0)}
        return {p: Place(known.get(p), begin[p], read[p]) for p in sorted(end.keys() & read.keys())}

    def _prove(self, contract: Contract, topic: str, partition: int, place: Place, end: int) -> None:
        first = start(place)
        gone = [gap._replace(records=self._missing(contract, partition, gap)) for gap in removed(place)]
        if place.proven is None or first > place.proven:
            self.ledger.note(contract.id, topic, partition, [gap for gap in gone if gap.records > 0], first)
        for valued, following in self._windows(topic, partition, first, end):
            found = self._settled(contract, partition, valued)
            self.ledger.note(contract.id, topic, partition, found, following)

    def _windows(self, topic: str, partition: int, first: int, end: int) -> Iterator[tuple[list[int], int]]:
        """Yield the offsets of records with a value, and the offset at which the next window begins."""
        valued: list[int] = []
        for messages in messages_to_end(self.kafka, topic, {partition: first}, {partition: end}, AT_ONCE):
            valued += [message.offset() for message in messages if message.value() is not None]
            if len(valued) >= WINDOW:
                yield valued, messages[-1].offset() + 1
                valued = []
        if first < end:
            yield valued, end

    def _settled(self, contract: Contract, partition: int, valued: list[int]) -> list[Gap]:
        """Return the gaps that remain after `settle_s`: the sink records its offsets before it commits the records."""
        deadline = time.monotonic() + self.settle_s
        while valued:
            found = list(gaps(valued, *self._there(contract, partition, valued[0], valued[-1])))
            if not found or time.monotonic() > deadline:
                return found
            ends = {(gap.first, gap.last) for gap in found}
            first, last = min(ends)[0], max(ends)[1]
            valued = [offset for offset in valued if first <= offset <= last]
            self.sleep(self.poll_s)
        return []

    def _missing(self, contract: Contract, partition: int, gap: Gap) -> int:
        """Return how many of the gap's records are neither in raw nor dead letters."""
        there = 0
        for first in range(gap.first, gap.last + 1, WINDOW):
            raw, dead_letters = self._there(contract, partition, first, min(first + WINDOW - 1, gap.last))
            there += len(raw | dead_letters)
        return gap.records - there

    def _there(self, contract: Contract, partition: int, first: int, last: int) -> tuple[set[int], set[int]]:
        sink, topic = names.sink_connector(contract.domain), names.topic(contract)
        raw = self.lake.call(lambda: raw_offsets(self.lake, names.raw_table(contract), partition, first, last))
        return raw, self.ledger.dead_letters(sink, topic, partition, first, last)


def raw_offsets(lake: LakeHook, table: str, partition: int, first: int, last: int) -> set[int]:
    """Return the offsets from first to last that a raw table holds. Files are pruned by their bounds."""
    rows = lake.need(table).scan(
        row_filter=f"_kafka_partition = {partition} and _offset >= {first} and _offset <= {last}",
        selected_fields=("_offset",),
    )
    found: set[int] = set()
    for batch in rows.to_arrow_batch_reader():
        found.update(batch["_offset"].to_pylist())
    return found


def sink_offsets(connect: ConnectHook, sink: str, topic: str) -> dict[int, int]:
    """Return, by partition of the topic, the first offset that the sink has not read; no entry if it read nothing."""
    stored = connect.offsets(sink)
    mine = (entry for entry in stored if entry["partition"]["kafka_topic"] == topic and entry["offset"])
    return {int(entry["partition"]["kafka_partition"]): int(entry["offset"]["kafka_offset"]) for entry in mine}
