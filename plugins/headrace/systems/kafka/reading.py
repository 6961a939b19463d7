"""Reads topics from given offsets to their current end, as read_committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from headrace.errors import SystemUnavailable
from headrace.systems.kafka.arrived import arrived
from headrace.systems.kafka.hook import NEXT_STEP, KafkaHook

if TYPE_CHECKING:
    from confluent_kafka import Consumer

Message: TypeAlias = Any
"""Message of confluent-kafka. Its annotations allow None where a consumed message has a value."""

BATCH: Final = 50_000
TAIL: Final = 1_000
SILENCE_S: Final = 30.0
"""Seconds without a message before the end after which reading fails."""


class Batch(NamedTuple):
    """Records of one partition in offset order, as columns."""

    partition: int
    offsets: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]


def read_to_end(hook: KafkaHook, topic: str, start: Mapping[int, int], end: Mapping[int, int]) -> Iterator[Batch]:
    """Yield every committed record with start ≤ offset < end, sorted by partition within a batch.

    See `messages_to_end`.
    """
    for messages in messages_to_end(hook, topic, start, end):
        yield from _batches(messages)


def last_value(hook: KafkaHook, topic: str, partition: int, start: int, end: int) -> int:
    """Return the offset of the partition's last record with a value; -1 without one.

    Checks records with start ≤ offset < end. Tombstones have no value.
    """
    for first in (max(start, end - TAIL), start):
        last = -1
        for batch in read_to_end(hook, topic, {partition: first}, {partition: end}):
            for offset, value in zip(batch.offsets, batch.values, strict=True):
                last = offset if value is not None else last
        if last >= 0:
            return last
    return -1


def messages_to_end(
    hook: KafkaHook, topic: str, start: Mapping[int, int], end: Mapping[int, int], at_once: int = BATCH
) -> Iterator[list[Message]]:
    """Yield every committed message with start ≤ offset < end, at most `at_once` together.

    `end` comes from `KafkaHook.end_offsets`. A partition without a start is read from its beginning.

    Raises:
        SystemUnavailable: the brokers stopped answering before the end.
    """
    from confluent_kafka import OFFSET_BEGINNING, TopicPartition

    open_ = {p for p, offset in end.items() if start.get(p, 0) < offset}
    if not open_:
        return
    consumer = hook.consumer()
    try:
        consumer.assign([TopicPartition(topic, p, start.get(p, OFFSET_BEGINNING)) for p in open_])
        heard = time.monotonic()
        while open_:
            messages: list[Message] = arrived(consumer, at_once, 1.0)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                raise SystemUnavailable(
                    "kafka",
                    hook.address,
                    f"topic {topic} sent nothing for {SILENCE_S:.0f} s, {len(open_)} partitions "
                    f"short of their end. {NEXT_STEP}",
                )
            records = [m for m in messages if m.error() is None and m.offset() < end[m.partition()]]
            if records:
                yield records
            open_ -= _ended(messages) | _reached(consumer, topic, open_, end)
    finally:
        consumer.close()


def _batches(records: list[Message]) -> Iterator[Batch]:
    for partition in sorted({m.partition() for m in records}):
        mine = [m for m in records if m.partition() == partition]
        yield Batch(
            partition,
            [m.offset() for m in mine],
            [m.key() for m in mine],
            [m.value() for m in mine],
        )


def _ended(messages: list[Message]) -> set[int]:
    """Return the partitions whose end one of the messages marks. Raises KafkaException for a fatal error."""
    from confluent_kafka import KafkaError, KafkaException

    ended = set()
    for message in messages:
        error = message.error()
        if error is None:
            continue
        if error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        elif error.fatal() or not error.retriable():
            raise KafkaException(error)
    return ended


def _reached(consumer: Consumer, topic: str, open_: set[int], end: Mapping[int, int]) -> set[int]:
    """Return the open partitions whose position is at or past the end."""
    from confluent_kafka import TopicPartition

    places = consumer.position([TopicPartition(topic, p) for p in open_])
    return {place.partition for place in places if place.offset >= end[place.partition]}
