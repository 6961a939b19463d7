"""The oldest change that somebody has not read yet, and when the source committed it."""

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
"""Records of a partition that are looked at."""


def oldest_commit_ms(
    hook: KafkaHook, topic: str, next_offsets: Mapping[int, int], schemas: Callable[[int], Any]
) -> int | None:
    """When the oldest change at or after these offsets was committed, in ms since 1970; None when there is none.

    Rows that a snapshot read do not count: they were committed before anybody looked. So many of them (MOST) before the
    first change hide it, until they are read.

    Args:
        hook: the cluster.
        topic: one topic.
        next_offsets: partition → first offset that was not read; a partition that is not in it: from its beginning.
        schemas: the Avro schema of a registry id.
    """
    ends = hook.end_offsets(topic)
    starts = {p: max(next_offsets.get(p, 0), 0) for p in ends if next_offsets.get(p, 0) < ends[p]}
    return min(_first_commits(hook, topic, starts, schemas).values(), default=None) if starts else None


def _first_commits(
    hook: KafkaHook, topic: str, starts: Mapping[int, int], schemas: Callable[[int], Any]
) -> dict[int, int]:
    """By partition, the commit of the first change from its start, where there is one."""
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
                if message.error() is not None:  # its end; another error is none of ours to judge
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
        except (ValueError, EOFError, IndexError, KeyError):  # a poison record: the stream puts it aside
            return None
    if not isinstance(record, Mapping) or "op" not in record:  # no change event: it was made when it was sent
        return int(message.timestamp()[1])
    return None if record["op"] == READ else int(record["source"]["ts_ms"])
