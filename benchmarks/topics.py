"""Records of a topic with the time at which they were produced."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.context import NotMeasured
from headrace.systems.kafka.hook import KafkaHook

TAIL = 500
"""Offsets before the end among which the last record is looked for; transactions' markers take offsets too."""
SILENCE_S = 30.0


def records(kafka: KafkaHook, topic: str, start: Mapping[int, int]) -> Iterator[Any]:
    """Every committed message from these offsets (by partition) to the end there is now.

    Raises:
        NotMeasured: the broker sent nothing for SILENCE_S.
    """
    from confluent_kafka import KafkaError, TopicPartition

    open_ = {p for p, end in kafka.end_offsets(topic).items() if start.get(p, 0) < end}
    consumer, heard = kafka.consumer(), time.monotonic()
    try:
        consumer.assign([TopicPartition(topic, p, start.get(p, 0)) for p in open_])
        while open_:
            messages = consumer.consume(10_000, timeout=0.5)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                raise NotMeasured(f"topic {topic} sent nothing for {SILENCE_S:.0f} s")
            for message in messages:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_.discard(message.partition())
    finally:
        consumer.close()


def last_produced(kafka: KafkaHook, topics: Mapping[str, Mapping[int, int]]) -> float:
    """Epoch seconds of the newest record of the topics, each given with the offsets from which to look."""
    newest = 0
    for topic, start in topics.items():
        tail = {p: max(start.get(p, 0), end - TAIL) for p, end in kafka.end_offsets(topic).items()}
        newest = max([newest, *(message.timestamp()[1] for message in records(kafka, topic, tail))])
    return newest / 1000
