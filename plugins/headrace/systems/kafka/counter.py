"""Incremental record and row counts of a Kafka topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headrace.contracts.targets.debezium import is_envelope
from headrace.systems.kafka.avro_blocks import HEADER_BYTES, by_schema, decode
from headrace.systems.kafka.counting import (
    PartitionCount,
    TopicCount,
    fold,
    rows_by_key,
    void_before,
)
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Batch, read_to_end

if TYPE_CHECKING:
    import polars as pl

Schemas: TypeAlias = Callable[[int], Any]
"""Function that returns the Avro schema of a registry id, None without one: `RegistryHook.schema`."""

COLUMNS: Final = ("op", "source")


def count_events(hook: KafkaHook, since: TopicCount) -> TopicCount:
    """Count a topic in which every record is one row, such as an event topic."""
    end = hook.end_offsets(since.topic)
    since = _still_of(since, end)
    counts = dict(since.partitions)
    for batch in read_to_end(hook, since.topic, _positions(since), end):
        count = _with_records(counts.get(batch.partition, PartitionCount()), batch)
        counts[batch.partition] = replace(count, rows=count.records - count.tombstones)
    return _at(TopicCount(since.topic, counts), end)


def count_changes(hook: KafkaHook, schemas: Schemas, since: TopicCount) -> TopicCount:
    """Count a topic of Debezium envelopes. Reads only records since `since`.

    `rows` is exact for every partition that has a row in the newest snapshot. A partition without one
    is counted from the snapshot's LSN on, so changes in flight during the snapshot are left out.
    A count from the beginning needs a topic that still has its first offset.
    """
    topic, end = since.topic, hook.end_offsets(since.topic)
    since = _still_of(since, end)
    counts = {p: since.partitions.get(p, PartitionCount()) for p in end}
    inexact: set[int] = set()
    for batch in read_to_end(hook, topic, _positions(since), end):
        events, unreadable = change_events(batch, schemas)
        before = _with_records(counts[batch.partition], batch)
        folded = fold(before, events)
        if folded.after.snapshot_offset != before.snapshot_offset:
            inexact.discard(batch.partition)
        if folded.overlaps:
            inexact.add(batch.partition)
        counts[batch.partition] = replace(folded.after, unreadable=folded.after.unreadable + unreadable)
    for partition, count in _void(counts).items():
        counts[partition] = _after(hook, schemas, topic, partition, count, end)
        inexact.add(partition)
    for partition in _countable(hook, topic, counts, inexact):
        count = counts[partition]
        rows = _exact_rows(hook, schemas, topic, partition, count, end)
        counts[partition] = replace(count, rows=rows)
    return _at(TopicCount(topic, counts), end)


def change_events(batch: Batch, schemas: Schemas) -> tuple[pl.DataFrame, int]:
    """Return the batch's change events (offset, key, op, snapshot, lsn), and the number of unreadable records."""
    import polars as pl

    groups, foreign = by_schema(batch.values)
    frames = [_events_schema_frame()]
    unreadable = len(foreign)
    for schema_id, indexes in groups.items():
        schema = schemas(schema_id)
        if not is_envelope(schema):
            unreadable += len(indexes)
            continue
        bodies = [value[HEADER_BYTES:] for i in indexes if (value := batch.values[i]) is not None]
        decoded = decode(schema, bodies, COLUMNS)
        bad = set(decoded.unreadable)
        unreadable += len(bad)
        kept = [index for place, index in enumerate(indexes) if place not in bad]
        frames.append(_events(decoded.frame, batch, kept))
    return pl.concat(frames).sort("offset"), unreadable


def _events(decoded: pl.DataFrame, batch: Batch, kept: Sequence[int]) -> pl.DataFrame:
    import polars as pl

    return decoded.select(
        pl.Series("offset", [batch.offsets[i] for i in kept], dtype=pl.Int64),
        # Without the schema id: a key is the same in each version of its schema.
        pl.Series("key", [(batch.keys[i] or b"")[HEADER_BYTES:] for i in kept], dtype=pl.Binary),
        pl.col("op"),
        pl.col("source").struct.field("snapshot").cast(pl.String),
        pl.col("source").struct.field("lsn").cast(pl.Int64),
    )


def _events_schema_frame() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        schema={
            "offset": pl.Int64,
            "key": pl.Binary,
            "op": pl.String,
            "snapshot": pl.String,
            "lsn": pl.Int64,
        }
    )


def _still_of(since: TopicCount, end: Mapping[int, int]) -> TopicCount:
    """Return the count; an empty one if the topic was re-created, so that it ends before the counted offset."""
    anew = any(count.next_offset > end.get(p, 0) for p, count in since.partitions.items())
    return TopicCount(since.topic) if anew else since


def _countable(hook: KafkaHook, topic: str, counts: Mapping[int, PartitionCount], partitions: set[int]) -> list[int]:
    """Return the partitions whose newest snapshot the topic still has from its beginning."""
    if not partitions:
        return []
    begin = hook.begin_offsets(topic)
    return sorted(p for p in partitions if begin[p] <= counts[p].snapshot_offset)


def _exact_rows(
    hook: KafkaHook,
    schemas: Schemas,
    topic: str,
    partition: int,
    count: PartitionCount,
    end: Mapping[int, int],
) -> int:
    """Count the partition's rows by key, from its newest snapshot on."""
    import polars as pl

    start, stop = {partition: count.snapshot_offset}, {partition: end[partition]}
    frames = [
        change_events(batch, schemas)[0].select("key", "offset", "op")
        for batch in read_to_end(hook, topic, start, stop)
    ]
    return rows_by_key(pl.concat(frames)) if frames else 0


def _void(counts: Mapping[int, PartitionCount]) -> dict[int, PartitionCount]:
    """Return the partitions without a row in the newest snapshot, with that snapshot's LSN."""
    newest = max((c.snapshot_lsn for c in counts.values() if c.snapshot_lsn is not None), default=0)
    return {
        partition: replace(count, snapshot_lsn=newest)
        for partition, count in counts.items()
        if void_before(count, newest)
    }


def _after(
    hook: KafkaHook,
    schemas: Schemas,
    topic: str,
    partition: int,
    count: PartitionCount,
    end: Mapping[int, int],
) -> PartitionCount:
    """Return the count with its snapshot offset at the first event after the snapshot's LSN."""
    import polars as pl

    stop = end[partition]
    start, lsn = {partition: count.snapshot_offset}, count.snapshot_lsn
    for batch in read_to_end(hook, topic, start, {partition: stop}):
        later = change_events(batch, schemas)[0].filter(pl.col("lsn") > lsn)
        if later.height:
            return replace(count, snapshot_offset=int(later["offset"][0]))
    return replace(count, snapshot_offset=stop)


def _positions(since: TopicCount) -> dict[int, int]:
    return {partition: count.next_offset for partition, count in since.partitions.items()}


def _with_records(count: PartitionCount, batch: Batch) -> PartitionCount:
    return replace(
        count,
        records=count.records + len(batch.values),
        tombstones=count.tombstones + sum(value is None for value in batch.values),
    )


def _at(count: TopicCount, end: Mapping[int, int]) -> TopicCount:
    """Return the count with these end offsets as its next offsets."""
    return TopicCount(
        count.topic,
        {p: replace(count.partitions.get(p, PartitionCount()), next_offset=end[p]) for p in end},
    )
