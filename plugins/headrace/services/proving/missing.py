"""Keep the records of a gap that Kafka still has as dead letters of the sink, so that `replay_dead_letters` can land them.

They are kept before Kafka removes them. A dead letter does not close the gap: the gap is open until raw has the record,
or the dead letter is discarded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.services.dead_letters.collect import AT_ONCE
from headrace.services.dead_letters.ledger import DeadLetterLedger
from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.record import DeadLetter, Position, timestamp
from headrace.services.proving.ledger import GAP, Found
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import messages_to_end

MOST: Final = 10_000
"""Maximum number of records of a gap that become dead letters; a larger gap needs `reread_tables`."""
REASON: Final = "the sink read past the record and did not land it"


def set_aside(
    kafka: KafkaHook, quarantine: Quarantine, dead_letters: DeadLetterLedger, contract: Contract, found: Found
) -> int:
    """Keep the records of a gap as dead letters; return how many are new. May be repeated.

    Raises:
        SystemUnavailable, SystemRefused: a system failed; records kept until then stay.
    """
    if found.gap.kind != "missing" or found.gap.records > MOST:
        return 0
    new = 0
    with dead_letters.platform.lock("letters:collect") as lock:
        for part in _dead_letters(kafka, contract, found):
            lock.check()
            quarantine.keep(part)
            new += dead_letters.note(part, found.topic, {}, lock)
    return new


def _dead_letters(kafka: KafkaHook, contract: Contract, found: Found) -> Iterator[list[DeadLetter]]:
    sink, now = names.sink_connector(contract.domain), datetime.now(UTC)
    start, end = {found.partition: found.gap.first}, {found.partition: found.gap.last + 1}
    for messages in messages_to_end(kafka, found.topic, start, end, AT_ONCE):
        yield [
            DeadLetter(
                Position(sink, found.topic, found.partition, message.offset()), contract.id, GAP, REASON,
                message.key(), message.value(), timestamp(message.timestamp()[1]), now,
            )
            for message in messages
            if message.value() is not None
        ]  # fmt: skip
