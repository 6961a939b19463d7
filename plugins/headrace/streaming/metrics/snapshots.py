"""Snapshots of a fact's table; each begins a new count. Pure.

Debezium re-reads a table after a lost replication slot, and from the beginning after an interrupted snapshot. The
re-read rows were counted before, so adding them would count them twice. So every part has the offset at which its
snapshot began, and only parts of the newest snapshot are shown. A row belongs to the last snapshot that began at or
before its offset. This depends on the record alone, so a repeated batch gives the same parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

READ: Final = "r"
NO_SNAPSHOT_US: Final = 0


class Heads(NamedTuple):
    """Columns of the records that show where snapshots begin."""

    partition: np.ndarray
    offset: np.ndarray
    is_read: np.ndarray
    """True for a record read by a snapshot."""
    taken_us: np.ndarray
    """Time of the read or change in the source, microseconds since 1970; the same for all rows of one snapshot."""
    recovered: np.ndarray
    """For a deletion written by recovery: the offset at which the fresh snapshot begins; else -1."""


class Snapshot(NamedTuple):
    """A snapshot, which begins a count."""

    partition: int
    first_offset: int
    taken_us: int


def joined(parts: Sequence[Heads]) -> Heads:
    """Return the heads of all parts, sorted by partition and offset."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return Heads(*(column[order] for column in columns))


def begun(known: Iterable[Snapshot], heads: Heads) -> list[Snapshot]:
    """Return the new snapshots that begin in these records. `heads` are sorted by partition and offset."""
    counts = {partition: list(counts) for partition, counts in _by_partition(known).items()}
    found: list[Snapshot] = []
    for partition in np.unique(heads.partition):
        mine = heads.partition == partition
        own = counts.setdefault(int(partition), [])
        if not own:
            own.append(Snapshot(int(partition), 0, NO_SNAPSHOT_US))
            found.append(own[0])
        reads = mine & heads.is_read
        offsets, taken = heads.offset[reads], heads.taken_us[reads]
        edges = np.flatnonzero(np.diff(taken, prepend=-1))
        for offset, taken_us in zip(offsets[edges].tolist(), taken[edges].tolist(), strict=True):
            if _covering(own, offset).taken_us != taken_us:
                snapshot = Snapshot(int(partition), offset, taken_us)
                own[:] = [*(s for s in own if s.first_offset != offset), snapshot]
                found.append(snapshot)
    return list({(s.partition, s.first_offset): s for s in found}.values())


def snapshot_of(known: Iterable[Snapshot], partitions: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return for each record the `first_offset` of its snapshot."""
    counts = _by_partition(known)
    out = np.zeros(len(offsets), np.uint64)
    for partition in np.unique(partitions):
        mine = partitions == partition
        starts = np.array([snapshot.first_offset for snapshot in counts[int(partition)]], np.uint64)
        out[mine] = starts[np.searchsorted(starts, offsets[mine], side="right") - 1]
    return out


def not_counted(known: Iterable[Snapshot], heads: Heads) -> np.ndarray:
    """Return the offsets of recovery's deletions of rows that this count never had.

    Such a count began with the fresh snapshot.
    """
    starts = snapshot_of(known, heads.partition, heads.offset)
    return heads.offset[(heads.recovered >= 0) & (starts.astype(np.int64) >= heads.recovered)]


def _by_partition(snapshots: Iterable[Snapshot]) -> dict[int, list[Snapshot]]:
    found: dict[int, list[Snapshot]] = {}
    for snapshot in sorted(snapshots):
        found.setdefault(snapshot.partition, []).append(snapshot)
    return found


def _covering(snapshots: Sequence[Snapshot], offset: int) -> Snapshot:
    return max((s for s in snapshots if s.first_offset <= offset), key=lambda s: s.first_offset)
