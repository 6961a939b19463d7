"""Row count of a change topic, by a fold over its records. Pure.

A change topic holds snapshots and changes. The rows of a snapshot are all rows at that moment, so its beginning resets
the count. After it a creation adds one row and a deletion removes one. All records of a snapshot share one log position
(LSN), by which the snapshot is recognised.

Changes after the snapshot at or below its LSN *overlap* it: the snapshot may already contain them. Then only a count by
key from the snapshot's beginning is exact (`rows_by_key`). A snapshot of an empty table leaves no record, so changes
that overlap it cannot be detected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import polars as pl

READ: Final = "r"
DELETE: Final = "d"
BEGINNINGS: Final = ("first", "first_in_data_collection")
INCREMENTAL: Final = "incremental"


@dataclass(frozen=True, slots=True)
class PartitionCount:
    """Count of one partition up to `next_offset`."""

    next_offset: int = 0
    """First offset that is not counted."""
    records: int = 0
    """Records visible to a read_committed reader, tombstones included."""
    tombstones: int = 0
    unreadable: int = 0
    """Records that are not change events of a known schema."""
    rows: int = 0
    """Rows in the source after the partition's records."""
    snapshot_offset: int = 0
    """Offset where the newest snapshot begins; 0 without a snapshot."""
    snapshot_lsn: int | None = None


@dataclass(frozen=True, slots=True)
class TopicCount:
    """Count of one topic."""

    topic: str
    partitions: Mapping[int, PartitionCount] = field(default_factory=dict, hash=False)

    @property
    def changes(self) -> int:
        """Return the number of change events: all records but tombstones."""
        return sum(p.records - p.tombstones for p in self.partitions.values())

    @property
    def rows(self) -> int:
        """Return the rows of the source after these changes."""
        return sum(p.rows for p in self.partitions.values())

    @property
    def unreadable(self) -> int:
        """Return the number of unreadable records."""
        return sum(p.unreadable for p in self.partitions.values())

    def to_json(self) -> dict[str, Any]:
        """Return the count as a JSON object."""
        fields = PartitionCount.__dataclass_fields__
        return {
            "topic": self.topic,
            "partitions": {
                str(number): {name: getattr(count, name) for name in fields}
                for number, count in self.partitions.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TopicCount:
        """Read a count from JSON; the inverse of `to_json`."""
        return cls(
            value["topic"],
            {int(number): PartitionCount(**count) for number, count in value["partitions"].items()},
        )


class Folded(NamedTuple):
    """Count of a partition after more records."""

    after: PartitionCount
    overlaps: bool
    """True if `rows` is inexact until the rows are counted by key."""


def fold(count: PartitionCount, events: pl.DataFrame) -> Folded:
    """Return the count after these change events of one partition, in offset order.

    `events` has the columns offset, op, snapshot (nullable) and lsn (nullable). The caller updates
    the counts of records and the next offset.
    """
    import polars as pl

    start = _newest_beginning(count, events)
    if start is not None:
        count = replace(
            count,
            rows=0,
            snapshot_offset=start["offset"],
            snapshot_lsn=start["lsn"],
        )
    # A replayed dead letter comes late: if its offset is before the snapshot, it does not count.
    events = events.filter(pl.col("offset") >= count.snapshot_offset)
    effect = (pl.when(pl.col("op").is_in(["c", READ])).then(1).when(pl.col("op") == DELETE).then(-1)).otherwise(0)
    rows = int(events.select(effect.sum()).item() or 0)
    incremental = (pl.col("op") == READ) & (pl.col("snapshot") == INCREMENTAL)
    overlapping = (pl.col("op") != READ) & (pl.col("lsn") <= (count.snapshot_lsn or -1))
    overlaps = bool(events.select((incremental | overlapping).fill_null(False).any()).item())
    return Folded(replace(count, rows=count.rows + rows), overlaps)


def rows_by_key(events: pl.DataFrame) -> int:
    """Count the keys whose last event is not a deletion. `events` has key, offset and op of one partition."""
    import polars as pl

    last = events.sort("offset").group_by("key").agg(pl.col("op").last())
    return last.filter(pl.col("op") != DELETE).height


def void_before(count: PartitionCount, lsn: int) -> bool:
    """Return whether another partition has a newer snapshot, in which this one has no row."""
    return count.snapshot_lsn is not None and count.snapshot_lsn < lsn


def _newest_beginning(count: PartitionCount, events: pl.DataFrame) -> dict[str, Any] | None:
    """Return the event with which the newest snapshot begins; None if no snapshot begins in these events."""
    import polars as pl

    taken = events.filter((pl.col("op") == READ) & pl.col("snapshot").ne_missing(INCREMENTAL))
    before = pl.col("lsn").shift(1, fill_value=count.snapshot_lsn)
    begins = taken.filter(pl.col("snapshot").is_in(BEGINNINGS) | pl.col("lsn").ne_missing(before))
    return begins.tail(1).row(0, named=True) if begins.height else None
