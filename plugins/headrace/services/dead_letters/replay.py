"""Replaying: the selected letters go to where whoever refused them would have put them, once.

Which letters can be read now is found out before a batch of exactly these is written to the ledger; then they are put,
then the batch is closed. Whoever finds an open batch puts the same letters again, which changes nothing more: raw is
looked at first, the warehouse keeps one row a position, and the metrics know the batch by its token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple, Protocol

from headrace.errors import SystemRefused
from headrace.services.dead_letters.ledger import Batch, Entry, LetterLedger
from headrace.services.dead_letters.quarantine import Kept, Quarantine
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.selection import Selection
from headrace.systems.platform.locks import Held

AT_ONCE: Final = 500
"""Letters in one batch."""


class Record(NamedTuple):
    """A record to be read again, at its own position."""

    position: Position
    kept: Kept


class Destination(Protocol):
    """Where the letters of one refuser belong."""

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Those that still cannot be read, and why."""

    def put(self, records: Sequence[Record], token: str) -> None:
        """Put all of them; again with the same records and token, nothing changes more."""


@dataclass(slots=True)
class Outcome:
    """What a replay came to."""

    replayed: dict[str, int] = field(default_factory=dict)
    """Refuser → letters."""
    still_refused: dict[str, int] = field(default_factory=dict)
    """The same, of those that still cannot be read; they wait on."""
    topics: set[str] = field(default_factory=set)
    """Of which records were replayed."""
    problems: list[str] = field(default_factory=list)
    """Batches that could not be put; they stay open."""


class Replay:
    """One replay."""

    def __init__(
        self, ledger: LetterLedger, quarantine: Quarantine, destination: Callable[[str, str], Destination]
    ) -> None:
        """`destination` is that of a refuser and a topic; it raises SystemRefused where there is none."""
        self._ledger = ledger
        self._quarantine = quarantine
        self._destination = destination

    def run(self, selection: Selection) -> Outcome:
        """End what was begun, then replay the selected letters. Waits while somebody else replays.

        Raises SystemUnavailable: what was put until then stays, and the next replay goes on.
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
                outcome.problems.append(f"{what} could be read when the replay began, and cannot now: {why}")
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
        """The records, and the letters whose record is not in the quarantine any more."""
        kept = self._quarantine.kept([entry.position for entry in entries])
        gone = {
            entry.position: "its record is not in the quarantine" for entry in entries if entry.position not in kept
        }
        return [Record(e.position, kept[e.position]) for e in entries if e.position in kept], gone


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The letters, which come in the order of refuser and topic, in parts that may be replayed together."""
    for _, same in groupby(entries, lambda entry: (entry.position.refused_by, entry.position.topic)):
        part = list(same)
        yield from (part[at : at + AT_ONCE] for at in range(0, len(part), AT_ONCE))


def _add(counts: dict[str, int], name: str, count: int) -> None:
    if count:
        counts[name] = counts.get(name, 0) + count
