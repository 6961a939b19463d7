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


class Letterbox(Protocol):
    """Receiver of a query's dead letters."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write all dead letters. Raises SystemUnavailable; it is safe to retry."""


class DeadLetters:
    """Writes the dead letters of one query. They may arrive twice, with the same position in their headers."""

    def __init__(self, topic: str, query: str, bootstrap: str, options: Mapping[str, str]) -> None:
        self.topic = topic
        self._query = query
        self._bootstrap = bootstrap
        self._options = options
        self._producer: Producer | None = None

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write all and wait for the broker's acknowledgement. Raises SystemUnavailable; it is safe to retry.

        Only the beginning of a value that is too large for the topic is written; the reason notes that.
        """
        if too_large := self._write(letters):
            self._write([shortened(letter) for letter in too_large])

    def _write(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Write all; return those that are too large."""
        faults: list[str] = []
        too_large: list[DeadLetter] = []

        def delivered(letter: DeadLetter, error: KafkaError | None) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE and len(letter.value) > SHORTENED:
                too_large.append(letter)
            elif error is not None:
                faults.append(str(error))

        try:
            producer = self._connected()
            for letter in letters:
                told = headers(letter, self._query)
                _produce(producer, self.topic, letter, told, lambda error, _, letter=letter: delivered(letter, error))
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


def shortened(letter: DeadLetter) -> DeadLetter:
    """Return the dead letter with only the beginning of its value."""
    said = f"{letter.reason}; the dead letter holds the first {SHORTENED:,} of the record's {len(letter.value):,} bytes"
    return letter._replace(
        value=letter.value[:SHORTENED], reason=f"{said}; Kafka and raw hold the whole record at its offset"
    )


def headers(letter: DeadLetter, query: str) -> Headers:
    """Return headers with the record's position, the query and the reason.

    `headrace.services.dead_letters.record` reads them.
    """
    place = {
        "query": query,
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "rule": letter.rule,
        "reason": letter.reason[:REASON],
    }
    if letter.recorded_at is not None:
        place["recorded_at"] = letter.recorded_at.astimezone(UTC).isoformat()
    return [(name, value.encode()) for name, value in place.items()]


def _produce(producer: Producer, topic: str, letter: DeadLetter, told: Headers, delivered: Any) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            producer.produce(topic, letter.value, letter.key, headers=told, on_delivery=delivered)
            return
        except BufferError:
            if time.monotonic() > deadline:
                raise KafkaException("the producer's queue stays full") from None
            producer.poll(0.2)
