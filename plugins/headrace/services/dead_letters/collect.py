"""Collecting: from the dead-letter topics into the quarantine and the ledger, each letter once.

A letter is kept in the lake first, then noted together with the place up to which its topic is read. A process that dies
in between reads the same letters again and finds them kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from headrace.contracts.contract import Contract
from headrace.planning.dead_letters import Refuser, datasets_by_topic, refusers
from headrace.services.dead_letters.ledger import LetterLedger, Statistics
from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.record import Arrived, letter, timestamp
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Message, messages_to_end
from headrace.systems.platform.alerts import Severity
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.platform.locks import Held

AT_ONCE: Final = 500
"""Letters in one commit: each may be as large as a record may be."""
MANY: Final = 100
"""From so many letters on, waiting is an error and no longer a warning."""


class Collecting:
    """Everything that collecting touches."""

    def __init__(
        self, kafka: KafkaHook, quarantine: Quarantine, ledger: LetterLedger, contracts: Iterable[Contract]
    ) -> None:
        all_ = tuple(contracts)
        self._kafka = kafka
        self._quarantine = quarantine
        self._ledger = ledger
        self._datasets = datasets_by_topic(all_)
        self.refusers = refusers(all_)

    def collect(self) -> dict[str, int]:
        """Refuser → letters that are new. Waits while somebody else collects.

        Raises SystemUnavailable, SystemRefused; what was collected until then is.
        """
        with self._ledger.platform.lock("letters:collect") as lock:
            found = {refuser.name: self._collect(refuser, lock) for refuser in self.refusers}
        return {name: count for name, count in found.items() if count}

    def _collect(self, refuser: Refuser, lock: Held) -> int:
        end = self._kafka.end_offsets(refuser.topic)
        known = self._ledger.places(refuser.topic)
        # A topic that was made anew ends before the place; then it is read from its beginning.
        start = {p: offset for p, offset in known.items() if offset <= end.get(p, 0)}
        new = 0
        for messages in messages_to_end(self._kafka, refuser.topic, start, end, AT_ONCE):
            letters = [letter(refuser, _arrived(m), self._datasets, datetime.now(UTC)) for m in messages]
            lock.check()
            self._quarantine.keep(letters)
            new += self._ledger.note(letters, refuser.topic, _places(messages), lock)
        return new


def tell(platform: PlatformHook, names: Iterable[str], tallies: Iterable[Statistics]) -> dict[str, int]:
    """Refuser → letters that wait; an alert is open for each that has any, and for no other."""
    waiting = dict.fromkeys(names, 0)
    datasets: dict[str, set[str]] = {}
    for tally in (tally for tally in tallies if tally.waiting):
        name = tally.refused_by.partition("/")[0]
        waiting[name] = waiting.get(name, 0) + tally.waiting
        datasets.setdefault(name, set()).add(tally.dataset or "unknown")
    for name, count in waiting.items():
        key = f"letters:{name}"
        if count:
            among = sorted(datasets[name])
            text = f"{name} refused {count:,} records of {', '.join(among)}, which wait to be replayed or discarded"
            platform.raise_alert(key, severity(count), text, among[0] if len(among) == 1 else "")
        else:
            platform.resolve_alert(key)
    return {name: count for name, count in waiting.items() if count}


def severity(count: int) -> Severity:
    """How bad it is that so many letters wait."""
    return "error" if count >= MANY else "warning"


def _arrived(message: Message) -> Arrived:
    kind, milliseconds = message.timestamp()
    at = timestamp(milliseconds) if kind else datetime.now(UTC)
    headers = message.headers() or ()
    return Arrived(message.partition(), message.offset(), at, message.key(), message.value(), headers)


def _places(messages: Iterable[Message]) -> Mapping[int, int]:
    """Partition → the offset after the last of the messages."""
    places: dict[int, int] = {}
    for message in messages:
        places[message.partition()] = max(places.get(message.partition(), 0), message.offset() + 1)
    return places
