"""Read when the source database committed the oldest change of a topic that a consumer has not read yet."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.systems.kafka.arrived import arrived
from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.counting import READ
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Message

PATIENCE_S: Final = 10.0
MOST: Final = 2_000
"""Most records of a partition that are checked."""


def oldest_commit_ms(
    hook: KafkaHook, topic: str, next_offsets: Mapping[int, int], schemas: Callable[[int], Any]
) -> int | None:
    """Return the commit time of the oldest change at or after these offsets, in ms since 1970; None without one.

    Rows read by a snapshot do not count, because they were committed before the snapshot. MOST of them before the
    first change hide it until they are read.

    Args:
        hook: Kafka cluster.
        topic: name of the topic.
        next_offsets: partition → first unread offset. A missing partition is read from its beginning.
        schemas: function that returns the Avro schema of a registry id.
    """
    ends = hook.end_offsets(topic)
    starts = {p: max(next_offsets.get(p, 0), 0) for p in ends if next_offsets.get(p, 0) < ends[p]}
    return min(_first_commits(hook, topic, starts, schemas).values(), default=None) if starts else None


def _first_commits(
    hook: KafkaHook, topic: str, starts: Mapping[int, int], schemas: Callable[[int], Any]
) -> dict[int, int]:
    """Return by partition the commit time of the first change from its start, if there is one."""
    from confluent_kafka import TopicPartition

    found: dict[int, int] = {}
    left = dict.fromkeys(starts, MOST)
    consumer = hook.consumer()
    deadline = time.monotonic() + PATIENCE_S
    try:
        consumer.assign([TopicPartition(topic, partition, start) for partition, start in starts.items()])
        while any(left.values()) and time.monotonic() < deadline:
            messages: list[Message] = arrived(consumer, 500, 0.5)
            for message in messages:
                partition = message.partition()
                if message.error() is not None:  # the end of the partition, or another error, which is ignored
                    left[partition] = 0
                elif left[partition]:
                    commit = _commit_ms(message, schemas)
                    left[partition] = 0 if commit is not None else left[partition] - 1
                    if commit is not None:
                        found[partition] = commit
    finally:
        consumer.close()
    return found


def _commit_ms(message: Message, schemas: Callable[[int], Any]) -> int | None:
    import fastavro

    wire = unwrap(message.value() or b"")
    record: Any = None
    if wire:
        try:
            record = fastavro.schemaless_reader(io.BytesIO(wire.body), schemas(wire.schema_id))
        except (ValueError, EOFError, IndexError, KeyError):  # a poison record: the stream makes it a dead letter
            return None
    if not isinstance(record, Mapping) or "op" not in record:  # not a change event: its timestamp is the commit time
        return int(message.timestamp()[1])
    return None if record["op"] == READ else int(record["source"]["ts_ms"])
