"""The oldest change that somebody has not read yet, and when the source committed it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.counting import READ
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Message

PATIENCE_S: Final = 10.0


def oldest_commit_ms(
    hook: KafkaHook, topic: str, next_offsets: Mapping[int, int], schemas: Callable[[int], Any]
) -> int | None:
    """When the oldest change at or after these offsets was committed, in ms since 1970; None when there is none.

    Only the first record of each partition is looked at. Rows that a snapshot read do not count: they were committed
    before anybody looked.

    Args:
        hook: the cluster.
        topic: one topic.
        next_offsets: partition → first offset that was not read; a partition that is not in it: from its beginning.
        schemas: the Avro schema of a registry id.
    """
    ends = hook.end_offsets(topic)
    starts = {p: max(next_offsets.get(p, 0), 0) for p in ends if next_offsets.get(p, 0) < ends[p]}
    commits = [_commit_ms(message, schemas) for message in _first(hook, topic, starts)] if starts else []
    return min((commit for commit in commits if commit is not None), default=None)


def _first(hook: KafkaHook, topic: str, starts: Mapping[int, int]) -> list[Message]:
    """The first committed record of each partition from its start, where there is one."""
    from confluent_kafka import TopicPartition

    found: dict[int, Message] = {}
    ended: set[int] = set()
    consumer = hook.consumer()
    deadline = time.monotonic() + PATIENCE_S
    try:
        consumer.assign([TopicPartition(topic, partition, start) for partition, start in starts.items()])
        while len(found.keys() | ended) < len(starts) and time.monotonic() < deadline:
            messages: list[Message] = consumer.consume(100, timeout=0.5)
            for message in messages:
                if message.error() is None:
                    found.setdefault(message.partition(), message)
                else:
                    ended.add(message.partition())  # its end; an error is none of ours to judge
    finally:
        consumer.close()
    return list(found.values())


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
