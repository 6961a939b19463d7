"""Incremental row counts of a raw table, from the files since the last count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from headrace.systems.kafka.counting import PartitionCount, TopicCount, fold, rows_by_key
from headrace.systems.lake.hook import LakeHook

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.table import Table

POSITION: Final = ("_kafka_partition", "_offset", "_op", "_lsn")


@dataclass(frozen=True, slots=True)
class LakeCount:
    """Count of one raw table up to one of its snapshots."""

    counted: TopicCount
    snapshot_id: int | None = None
    """Iceberg snapshot that was counted last; None while the table is empty."""

    @property
    def changes(self) -> int:
        """Return the number of change events in the table."""
        return self.counted.changes

    @property
    def rows(self) -> int:
        """Return the rows of the source after these changes."""
        return self.counted.rows

    def to_json(self) -> dict[str, Any]:
        """Return the count as a JSON object."""
        return {"counted": self.counted.to_json(), "snapshot_id": self.snapshot_id}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LakeCount:
        """Read a count from JSON; the inverse of `to_json`."""
        return cls(TopicCount.from_json(value["counted"]), value["snapshot_id"])


def count_changes(hook: LakeHook, name: str, key: Sequence[str], since: LakeCount | None = None) -> LakeCount | None:
    """Count a raw table of flattened changes; return None if there is no table.

    Reads four columns of the rows appended since `since`. Reads the key's columns too if a snapshot and changes overlap
    (see `kafka.counting`). Reads the whole table without `since`, or if its Iceberg snapshot is gone.
    """
    table = hook.table(name)
    if table is None:
        return None
    start = since if since and _follows(table, since.snapshot_id) else LakeCount(TopicCount(name))
    newest = table.current_snapshot()
    if newest is None or newest.snapshot_id == start.snapshot_id:
        return start
    events = hook.call(lambda: _appended(table, start.snapshot_id))
    counts = dict(start.counted.partitions)
    for (partition,), part in events.group_by("partition"):
        number = int(str(partition))
        counts[number] = _counted(hook, table, key, number, counts.get(number), part)
    return LakeCount(TopicCount(name, counts), newest.snapshot_id)


def _counted(
    hook: LakeHook,
    table: Table,
    key: Sequence[str],
    partition: int,
    count: PartitionCount | None,
    events: pl.DataFrame,
) -> PartitionCount:
    before = count or PartitionCount()
    events = events.sort("offset")
    folded = fold(before, events)
    after = replace(
        folded.after,
        records=before.records + events.height,
        next_offset=max(before.next_offset, int(events["offset"][-1]) + 1),
    )
    if not folded.overlaps:
        return after
    rows = hook.call(lambda: rows_by_key(_keyed(table, key, partition, after.snapshot_offset)))
    return replace(after, rows=rows)


def _appended(table: Table, after: int | None) -> pl.DataFrame:
    """Return partition, offset, op, snapshot and lsn of the rows appended after that snapshot."""
    import polars as pl

    # Compaction rewrites files without adding rows, so only snapshots that append count.
    scan = table.incremental_append_scan(from_snapshot_id_exclusive=after, selected_fields=POSITION)
    frame = pl.DataFrame(scan.to_arrow())
    return frame.select(
        pl.col("_kafka_partition").alias("partition"),
        pl.col("_offset").alias("offset"),
        pl.col("_op").cast(pl.String).alias("op"),
        pl.lit(None, dtype=pl.String).alias("snapshot"),
        pl.col("_lsn").alias("lsn"),
    )


def _keyed(table: Table, key: Sequence[str], partition: int, first: int) -> pl.DataFrame:
    """Return key, offset and op of the partition's rows from that offset on."""
    import polars as pl

    scan = table.scan(
        row_filter=f"_kafka_partition = {partition} and _offset >= {first}",
        selected_fields=(*key, "_offset", "_op"),
    )
    return pl.DataFrame(scan.to_arrow()).select(
        pl.struct(key).alias("key"),
        pl.col("_offset").alias("offset"),
        pl.col("_op").cast(pl.String).alias("op"),
    )


def _follows(table: Table, snapshot_id: int | None) -> bool:
    """Return whether the table's history still contains that snapshot."""
    from pyiceberg.table.snapshots import ancestors_of

    newest = table.current_snapshot()
    if snapshot_id is None or newest is None:
        return False
    return any(s.snapshot_id == snapshot_id for s in ancestors_of(newest, table.metadata))
