"""Records that cannot be served, to a topic of their own: nothing is lost, neighbours pass."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final, Protocol, TypeAlias

from confluent_kafka import KafkaException, Producer

from headrace.errors import SystemUnavailable
from include.spark.streaming.decode import DeadLetter

TIMEOUT_S: Final = 30.0

Headers: TypeAlias = list[tuple[str, str | bytes | None]]


class Letterbox(Protocol):
    """Takes what a query cannot serve."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Take all of them. Raises SystemUnavailable; it is safe to try again."""


class DeadLetters:
    """Writes the dead letters of one query of a stream group. They may arrive twice, with the same place in their headers."""

    def __init__(self, topic: str, query: str, bootstrap: str, options: Mapping[str, str]) -> None:
        self.topic = topic
        self._query = query
        self._bootstrap = bootstrap
        self._options = options
        self._producer: Producer | None = None

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write all and wait until the broker has them. Raises SystemUnavailable; it is safe to try again."""
        faults: list[str] = []

        def delivered(error: object, _: object) -> None:
            if error is not None:
                faults.append(str(error))

        try:
            producer = self._connected()
            for letter in letters:
                _produce(producer, self.topic, letter, headers(letter, self._query), delivered)
            unsent = producer.flush(TIMEOUT_S)
        except KafkaException as error:
            raise self._unavailable(str(error)) from error
        if unsent or faults:
            raise self._unavailable(faults[0] if faults else f"{unsent} records were not acknowledged")

    def _connected(self) -> Producer:
        if self._producer is None:
            config = {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": int(TIMEOUT_S * 1000),
                "message.max.bytes": 16_000_000,  # whatever a source topic holds; the topic's own limit decides
                **self._options,
            }
            self._producer = Producer(config)
        return self._producer

    def _unavailable(self, cause: str) -> SystemUnavailable:
        return SystemUnavailable(
            "kafka", self._bootstrap, f"dead letters cannot be written to {self.topic}: {cause}; it is tried again"
        )


def headers(letter: DeadLetter, query: str) -> Headers:
    """Where the record came from, who refused it and why; read by `headrace.systems.letters.letter`."""
    place = {
        "query": query,
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "rule": letter.rule,
        "reason": letter.reason,
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
