"""Writer of dead letters: records that cannot be served go to a topic of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final, Protocol, TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer

from headrace.errors import SystemUnavailable
from headrace.streaming.decode import DeadLetter

TIMEOUT_S: Final = 30.0
MOST_BYTES: Final = 128 << 20
REASON: Final = 4000
"""Maximum length of a reason, in characters."""
SHORTENED: Final = 100_000
"""Bytes kept of a value that is too large for the dead-letter topic."""

Headers: TypeAlias = list[tuple[str, str | bytes | None]]


class DeadLetterWriter(Protocol):
    """Receiver of a query's dead letters."""

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Write all dead letters. Raises SystemUnavailable; it is safe to retry."""


class DeadLetters:
    """Writes the dead letters of one query. They may arrive twice, with the same position in their headers."""

    def __init__(self, topic: str, query: str, bootstrap: str, options: Mapping[str, str]) -> None:
        self.topic = topic
        self._query = query
        self._bootstrap = bootstrap
        self._options = options
        self._producer: Producer | None = None

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Write all and wait for the broker's acknowledgement. Raises SystemUnavailable; it is safe to retry.

        Only the beginning of a value that is too large for the topic is written; the reason notes that.
        """
        if too_large := self._write(dead_letters):
            self._write([shortened(each) for each in too_large])

    def _write(self, dead_letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Write all; return those that are too large."""
        faults: list[str] = []
        too_large: list[DeadLetter] = []

        def delivered(dead_letter: DeadLetter, error: KafkaError | None) -> None:
            if (
                error is not None
                and error.code() == KafkaError.MSG_SIZE_TOO_LARGE
                and len(dead_letter.value) > SHORTENED
            ):
                too_large.append(dead_letter)
            elif error is not None:
                faults.append(str(error))

        try:
            producer = self._connected()
            for each in dead_letters:
                record_headers = headers(each, self._query)
                _produce(producer, self.topic, each, record_headers, lambda error, _, each=each: delivered(each, error))
            unsent = producer.flush(TIMEOUT_S)
        except KafkaException as error:
            raise self._unavailable(str(error)) from error
        if unsent or faults:
            raise self._unavailable(faults[0] if faults else f"{unsent} records were not acknowledged")
        return too_large

    def _connected(self) -> Producer:
        if self._producer is None:
            config = {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": int(TIMEOUT_S * 1000),
                "message.max.bytes": MOST_BYTES,  # larger than any source record; the topic's own limit applies
                **self._options,
            }
            self._producer = Producer(config)
        return self._producer

    def _unavailable(self, cause: str) -> SystemUnavailable:
        return SystemUnavailable(
            "kafka", self._bootstrap, f"dead letters cannot be written to {self.topic}: {cause}; the write is retried"
        )


def shortened(dead_letter: DeadLetter) -> DeadLetter:
    """Return the dead letter with only the beginning of its value."""
    reason = f"{dead_letter.reason}; the dead letter holds the first {SHORTENED:,} of the record's {len(dead_letter.value):,} bytes"
    return dead_letter._replace(
        value=dead_letter.value[:SHORTENED], reason=f"{reason}; Kafka and raw hold the whole record at its offset"
    )


def headers(dead_letter: DeadLetter, query: str) -> Headers:
    """Return headers with the record's position, the query and the reason.

    `headrace.services.dead_letters.record` reads them.
    """
    place = {
        "query": query,
        "topic": dead_letter.topic,
        "partition": str(dead_letter.partition),
        "offset": str(dead_letter.offset),
        "rule": dead_letter.rule,
        "reason": dead_letter.reason[:REASON],
    }
    if dead_letter.recorded_at is not None:
        place["recorded_at"] = dead_letter.recorded_at.astimezone(UTC).isoformat()
    return [(name, value.encode()) for name, value in place.items()]


def _produce(producer: Producer, topic: str, dead_letter: DeadLetter, record_headers: Headers, delivered: Any) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            producer.produce(topic, dead_letter.value, dead_letter.key, headers=record_headers, on_delivery=delivered)
            return
        except BufferError:
            if time.monotonic() > deadline:
                raise KafkaException("the producer's queue stays full") from None
            producer.poll(0.2)
