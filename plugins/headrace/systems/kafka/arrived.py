"""Kafka poll that returns messages as soon as some have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from confluent_kafka import Consumer


def arrived(consumer: Consumer, most: int, seconds: float) -> list[Any]:
    """Return the messages that Kafka has sent, at most `most`; none if none comes within `seconds`.

    `consume` with a time-out waits for its full length unless there are `most` messages. A few messages would be
    delayed by that time.
    https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html#confluent_kafka.Consumer.consume
    """
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(most - 1, timeout=0)]
