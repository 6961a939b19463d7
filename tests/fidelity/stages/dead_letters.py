"""The dead letters: which records a stage refused, and says so; and which changes the source's connector refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from headrace.contracts.contract import Contract
from headrace.planning.dead_letters import datasets_by_topic, refusers
from headrace.services.dead_letters.record import Arrived, DeadLetter, parse_dead_letter
from headrace.systems.bundle import Systems
from headrace.systems.kafka.reading import messages_to_end
from tests.fidelity.changes import Position


class DeadLetters:
    """What the stream and the sink refused."""

    def __init__(self, systems: Systems, contracts: Iterable[Contract]) -> None:
        self._kafka = systems.kafka
        self._contracts = tuple(contracts)
        self.at_source: Counter[tuple[str, str]] = Counter()
        """Dead letters of the source that were read last, by topic and key as the dead letter names it; a truncate has no key."""

    def read(self) -> list[DeadLetter]:
        """All dead letters that there are."""
        datasets = datasets_by_topic(self._contracts)
        found = []
        self.at_source.clear()
        for refuser in refusers(self._contracts):
            end = self._kafka.end_offsets(refuser.topic)
            for messages in messages_to_end(self._kafka, refuser.topic, {}, end):
                for m in messages:
                    arrived = Arrived(m.partition(), m.offset(), datetime.now(UTC), m.key(), None, m.headers() or ())
                    found.append(parse_dead_letter(refuser, arrived, datasets, datetime.now(UTC)))
                    if refuser.kind == "source":
                        headers = {name: (value or b"").decode() for name, value in m.headers() or ()}
                        self.at_source[headers["topic"], headers["key"]] += 1
        return found


def positions(dead_letters: Iterable[DeadLetter], refuser: str) -> dict[str, set[Position]]:
    """Topic → positions that a refuser, `lake-…` or the stream group, refused."""
    found: dict[str, set[Position]] = defaultdict(set)
    for each in dead_letters:
        if each.position.refused_by.partition("/")[0] == refuser:
            found[each.position.topic].add(Position(each.position.partition, each.position.offset))
    return found
