"""Replay the selected dead letters: write each record once to the destination of its refuser.

First the readable dead letters are determined and recorded in the ledger as a batch. Then the batch is written, then
closed. A later run writes the dead letters of an open batch again, which is idempotent: raw is checked first, the
warehouse keeps one row per position, and the metrics deduplicate by the batch's token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple, Protocol

from headrace.errors import SystemRefused
from headrace.services.dead_letters.ledger import Batch, DeadLetterLedger, Entry
from headrace.services.dead_letters.quarantine import Kept, Quarantine
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.selection import Selection
from headrace.systems.platform.locks import Held

AT_ONCE: Final = 500
"""Dead letters in one batch."""


class Record(NamedTuple):
    """Record to be read again, with its position."""

    position: Position
    kept: Kept


class Destination(Protocol):
    """Destination of the dead letters of one refuser."""

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Return the records that still cannot be read, and why."""

    def put(self, records: Sequence[Record], token: str) -> None:
        """Write all of them. Idempotent for the same records and token."""


@dataclass(slots=True)
class Outcome:
    """Result of a replay."""

    replayed: dict[str, int] = field(default_factory=dict)
    """Refuser → number of replayed dead letters."""
    still_refused: dict[str, int] = field(default_factory=dict)
    """Refuser → number of dead letters that still cannot be read; they keep waiting."""
    topics: set[str] = field(default_factory=set)
    """Topics of the replayed records."""
    problems: list[str] = field(default_factory=list)
    """Batches that could not be written; they stay open."""


class Replay:
    """Replays dead letters from the quarantine."""

    def __init__(
        self, ledger: DeadLetterLedger, quarantine: Quarantine, destination: Callable[[str, str], Destination]
    ) -> None:
        """`destination` returns that of a refuser and a topic; it raises SystemRefused if there is none."""
        self._ledger = ledger
        self._quarantine = quarantine
        self._destination = destination

    def run(self, selection: Selection) -> Outcome:
        """Complete open batches, then replay the selected dead letters. Waits while another process replays.

        Raises SystemUnavailable: records written until then stay, and the next replay continues.
        """
        outcome = Outcome()
        with self._ledger.platform.lock("letters:replay") as lock:
            for batch in self._ledger.open_batches():
                self._put(batch, self._ledger.of_batch(batch), outcome, lock)
            for entries in batches(self._ledger.waiting(selection)):
                self._replay(entries, outcome, lock)
        return outcome

    def _replay(self, entries: Sequence[Entry], outcome: Outcome, lock: Held) -> None:
        refused_by, topic = entries[0].position.refused_by, entries[0].position.topic
        try:
            destination = self._destination(refused_by, topic)
        except SystemRefused as refused:
            reasons = {entry.position: str(refused) for entry in entries}
        else:
            records, reasons = self._records(entries)
            reasons |= destination.unreadable(records)
        if reasons:
            by_id = {entry.id: reasons[entry.position] for entry in entries if entry.position in reasons}
            self._ledger.still_refused(by_id)
            _add(outcome.still_refused, refused_by, len(by_id))
        readable = [entry for entry in entries if entry.position not in reasons]
        if readable:
            self._put(*self._ledger.claim(readable, lock), outcome, lock)

    def _put(self, batch: Batch, entries: Sequence[Entry], outcome: Outcome, lock: Held) -> None:
        try:
            destination = self._destination(batch.refused_by, batch.topic)
            records, reasons = self._records(entries)
            reasons |= destination.unreadable(records)
            if reasons:
                place, why = next(iter(reasons.items()))
                what = f"batch {batch.id} of {batch.refused_by}: {place.topic} {place.partition}/{place.offset}"
                outcome.problems.append(f"{what} could be read when the replay began and cannot be read now: {why}")
                return
            if records:
                lock.check()
                destination.put(records, f"letters:{batch.id}")
        except SystemRefused as refused:
            outcome.problems.append(f"batch {batch.id} of {batch.refused_by}: {refused}")
            return
        self._ledger.done(batch, lock)
        _add(outcome.replayed, batch.refused_by, len(entries))
        outcome.topics.add(batch.topic)

    def _records(self, entries: Sequence[Entry]) -> tuple[list[Record], dict[Position, str]]:
        """Return the records, and the dead letters whose record is no longer in the quarantine."""
        kept = self._quarantine.kept([entry.position for entry in entries])
        gone = {
            entry.position: "its record is not in the quarantine" for entry in entries if entry.position not in kept
        }
        return [Record(e.position, kept[e.position]) for e in entries if e.position in kept], gone


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the dead letters, sorted by refuser and topic, in parts that can be replayed together."""
    for _, same in groupby(entries, lambda entry: (entry.position.refused_by, entry.position.topic)):
        part = list(same)
        yield from (part[at : at + AT_ONCE] for at in range(0, len(part), AT_ONCE))


def _add(counts: dict[str, int], name: str, count: int) -> None:
    if count:
        counts[name] = counts.get(name, 0) + count
