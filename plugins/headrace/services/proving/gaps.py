"""Find gaps of one topic partition by a comparison of offsets. Pure.

A gap consists of records with a value that a read_committed reader sees in Kafka and that are neither in raw nor dead
letters. Transaction markers, aborted records and tombstones also use offsets, but such a reader sees no value there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["missing", "lost", "unproven"]
"""`missing`: Kafka has the records. `lost`: Kafka removed them before the sink read them. `unproven`: the sink read
past them, and Kafka removed them before they were compared."""


class Gap(NamedTuple):
    """Consecutive missing records of a partition: no record with a value between them is in raw or a dead letter."""

    first: int
    last: int
    """Offset of the last record."""
    records: int
    """Number of records; for records that Kafka removed, the maximum possible number."""
    kind: Kind = "missing"


class Place(NamedTuple):
    """State of a partition before it is read."""

    proven: int | None
    """First offset that was not compared; None when none was compared."""
    begin: int
    """Offset of the first record that Kafka still has."""
    read: int
    """First offset that the sink has not read."""


def gaps(valued: Iterable[int], *there: Collection[int]) -> Iterator[Gap]:
    """Yield the gaps among records with a value, in ascending order; `there` are offsets in raw and in dead letters."""
    open_: Gap | None = None
    for offset in valued:
        if any(offset in place for place in there):
            if open_:
                yield open_
            open_ = None
        else:
            open_ = Gap(offset, offset, 1) if open_ is None else Gap(open_.first, offset, open_.records + 1)
    if open_:
        yield open_


def start(place: Place) -> int:
    """Return the first offset to compare. A partition that was never compared begins with what Kafka has."""
    return place.begin if place.proven is None else max(place.proven, place.begin)


def removed(place: Place) -> tuple[Gap, ...]:
    """Return the offsets that Kafka removed before they were compared: first those that the sink read, then the others.

    `records` counts all offsets: the caller must subtract those that are in raw.
    """
    proven = min(place.read, place.begin) if place.proven is None else place.proven
    border = min(max(place.read, proven), place.begin)
    parts = ((proven, border, "unproven"), (border, place.begin, "lost"))
    return tuple(Gap(first, end - 1, end - first, kind) for first, end, kind in parts if first < end)  # type: ignore[arg-type]
