"""Collect dead letters from their topics into the quarantine and the ledger, each once.

A dead letter is written to the lake first. Then it is recorded together with the offset up to which its topic was read.
After a crash in between, the same dead letters are read again and found in the lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from headrace.contracts.contract import Contract
from headrace.planning.dead_letters import Refuser, datasets_by_topic, refusers
from headrace.services.dead_letters.ledger import DeadLetterLedger, Statistics
from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.record import Arrived, parse_dead_letter, timestamp
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Message, messages_to_end
from headrace.systems.platform.alerts import Severity
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.platform.locks import Held

AT_ONCE: Final = 500
"""Dead letters in one commit; each may be as large as the largest record."""
MANY: Final = 100
"""Number of waiting dead letters from which the alert is an error instead of a warning."""


class Collecting:
    """Collects dead letters from Kafka into the quarantine and the ledger."""

    def __init__(
        self, kafka: KafkaHook, quarantine: Quarantine, ledger: DeadLetterLedger, contracts: Iterable[Contract]
    ) -> None:
        all_ = tuple(contracts)
        self._kafka = kafka
        self._quarantine = quarantine
        self._ledger = ledger
        self._datasets = datasets_by_topic(all_)
        self.refusers = refusers(all_)

    def collect(self) -> dict[str, int]:
        """Return, by refuser, the number of new dead letters. Waits while another process collects.

        Raises SystemUnavailable, SystemRefused; dead letters collected until then stay.
        """
        with self._ledger.platform.lock("letters:collect") as lock:
            found = {refuser.name: self._collect(refuser, lock) for refuser in self.refusers}
        return {name: count for name, count in found.items() if count}

    def _collect(self, refuser: Refuser, lock: Held) -> int:
        end = self._kafka.end_offsets(refuser.topic)
        known = self._ledger.places(refuser.topic)
        # A re-created topic ends before the recorded offset; then it is read from its beginning.
        start = {p: offset for p, offset in known.items() if offset <= end.get(p, 0)}
        new = 0
        for messages in messages_to_end(self._kafka, refuser.topic, start, end, AT_ONCE):
            dead_letters = [
                parse_dead_letter(refuser, _arrived(m), self._datasets, datetime.now(UTC)) for m in messages
            ]
            lock.check()
            self._quarantine.keep(dead_letters)
            new += self._ledger.note(dead_letters, refuser.topic, _places(messages), lock)
        return new


def raise_alerts(platform: PlatformHook, names: Iterable[str], statistics: Iterable[Statistics]) -> dict[str, int]:
    """Raise an alert for each refuser with waiting dead letters, resolve the others; return the numbers by refuser."""
    waiting = dict.fromkeys(names, 0)
    datasets: dict[str, set[str]] = {}
    for each in (each for each in statistics if each.waiting):
        name = each.refused_by.partition("/")[0]
        waiting[name] = waiting.get(name, 0) + each.waiting
        datasets.setdefault(name, set()).add(each.dataset or "unknown")
    for name, count in waiting.items():
        key = f"dead_letters:{name}"
        if count:
            among = sorted(datasets[name])
            text = f"{name} refused {count:,} records of {', '.join(among)}; they wait to be replayed or discarded"
            platform.raise_alert(key, severity(count), text, among[0] if len(among) == 1 else "")
        else:
            platform.resolve_alert(key)
    return {name: count for name, count in waiting.items() if count}


def severity(count: int) -> Severity:
    """Return the severity of an alert about this number of waiting dead letters."""
    return "error" if count >= MANY else "warning"


def _arrived(message: Message) -> Arrived:
    kind, milliseconds = message.timestamp()
    at = timestamp(milliseconds) if kind else datetime.now(UTC)
    headers = message.headers() or ()
    return Arrived(message.partition(), message.offset(), at, message.key(), message.value(), headers)


def _places(messages: Iterable[Message]) -> Mapping[int, int]:
    """Return, by partition, the offset after the last of the messages."""
    places: dict[int, int] = {}
    for message in messages:
        places[message.partition()] = max(places.get(message.partition(), 0), message.offset() + 1)
    return places
