"""Messages as they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from confluent_kafka import Consumer


def arrived(consumer: Consumer, most: int, seconds: float) -> list[Any]:
    """Return what Kafka has sent, at most `most` messages; nothing when nothing comes within so many seconds.

    `consume` alone, given a time-out, waits for the whole of it unless there are `most` messages: a few that are all there are
    would come as late as that.
    https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html#confluent_kafka.Consumer.consume
    """
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(most - 1, timeout=0)]
