"""How many rows a change topic stands for: the fold of its records. Pure.

A change topic holds snapshots and changes. The rows of a snapshot are all the rows there were when
it was taken, so its beginning voids what was counted before. After it a creation adds one row and
a deletion takes one. A snapshot is known by its log position (LSN), which all its records share.

Changes at or below the snapshot's LSN that come after it *overlap* it: the snapshot may already
hold what they did. Then only a count by key from the snapshot's beginning is exact (`rows_by_key`).
A snapshot of an empty table leaves no record, so what overlaps it cannot be told.
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
    """What was counted in one partition up to `next_offset`."""

    next_offset: int = 0
    """The first offset not looked at."""
    records: int = 0
    """Records that a read_committed reader sees, tombstones included."""
    tombstones: int = 0
    unreadable: int = 0
    """Records that are no change events of a known schema."""
    rows: int = 0
    """Rows that the partition's records leave behind."""
    snapshot_offset: int = 0
    """Where the newest snapshot begins; 0 while there was none."""
    snapshot_lsn: int | None = None


@dataclass(frozen=True, slots=True)
class TopicCount:
    """What was counted in one topic."""

    topic: str
    partitions: Mapping[int, PartitionCount] = field(default_factory=dict, hash=False)

    @property
    def changes(self) -> int:
        """Change events: every record that is no tombstone."""
        return sum(p.records - p.tombstones for p in self.partitions.values())

    @property
    def rows(self) -> int:
        """Rows that the source holds after these changes."""
        return sum(p.rows for p in self.partitions.values())

    @property
    def unreadable(self) -> int:
        """Records that could not be counted as changes of rows."""
        return sum(p.unreadable for p in self.partitions.values())

    def to_json(self) -> dict[str, Any]:
        """The count as a JSON object."""
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
        """The inverse of `to_json`."""
        return cls(
            value["topic"],
            {int(number): PartitionCount(**count) for number, count in value["partitions"].items()},
        )


class Folded(NamedTuple):
    """A partition's count after more records."""

    after: PartitionCount
    overlaps: bool
    """Whether `rows` is inexact until they are counted by key."""


def fold(count: PartitionCount, events: pl.DataFrame) -> Folded:
    """The count after these change events of one partition, in offset order.

    `events` has the columns offset, op, snapshot (nullable) and lsn (nullable). The counts of
    records and the next offset are the reader's to keep.
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
    # A dead letter that is replayed comes late: before the snapshot it says nothing of the rows that there are.
    events = events.filter(pl.col("offset") >= count.snapshot_offset)
    effect = (pl.when(pl.col("op").is_in(["c", READ])).then(1).when(pl.col("op") == DELETE).then(-1)).otherwise(0)
    rows = int(events.select(effect.sum()).item() or 0)
    incremental = (pl.col("op") == READ) & (pl.col("snapshot") == INCREMENTAL)
    overlapping = (pl.col("op") != READ) & (pl.col("lsn") <= (count.snapshot_lsn or -1))
    overlaps = bool(events.select((incremental | overlapping).fill_null(False).any()).item())
    return Folded(replace(count, rows=count.rows + rows), overlaps)


def rows_by_key(events: pl.DataFrame) -> int:
    """Keys whose last event is no deletion. `events` has key, offset and op, of one partition."""
    import polars as pl

    last = events.sort("offset").group_by("key").agg(pl.col("op").last())
    return last.filter(pl.col("op") != DELETE).height


def void_before(count: PartitionCount, lsn: int) -> bool:
    """Whether another partition saw a newer snapshot, in which this one has no row."""
    return count.snapshot_lsn is not None and count.snapshot_lsn < lsn


def _newest_beginning(count: PartitionCount, events: pl.DataFrame) -> dict[str, Any] | None:
    """The event with which the newest snapshot begins in these events, if one does."""
    import polars as pl

    taken = events.filter((pl.col("op") == READ) & pl.col("snapshot").ne_missing(INCREMENTAL))
    before = pl.col("lsn").shift(1, fill_value=count.snapshot_lsn)
    begins = taken.filter(pl.col("snapshot").is_in(BEGINNINGS) | pl.col("lsn").ne_missing(before))
    return begins.tail(1).row(0, named=True) if begins.height else None
