"""Gaps of one topic partition, found by comparing offsets. Pure.

A gap is made of records with a value that a read_committed reader sees in Kafka and that are neither in raw nor dead letters.
Transaction markers, aborted records and tombstones use offsets too: nobody who reads so sees a value there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["missing", "lost", "unproven"]
"""`missing`: Kafka has the records. `lost`: Kafka removed them before the sink read them. `unproven`: the sink read past them,
and Kafka removed them before anybody compared."""


class Gap(NamedTuple):
    """Records that follow each other in a partition; between them are no records with a value that are there."""

    first: int
    last: int
    """Offset of the last of them."""
    records: int
    """Number of them; of records that Kafka removed the most that there can have been."""
    kind: Kind = "missing"


class Place(NamedTuple):
    """What is known of a partition before it is read."""

    proven: int | None
    """First offset that was not compared; None when nothing was."""
    begin: int
    """Offset of the first record that Kafka still has."""
    read: int
    """First offset that the sink has not read."""


def gaps(valued: Iterable[int], *there: Collection[int]) -> Iterator[Gap]:
    """Return the gaps among records with a value, given in ascending order; `there` are offsets in raw and in letters."""
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

    `records` counts all offsets: how many of them are in raw is for the caller to subtract.
    """
    proven = min(place.read, place.begin) if place.proven is None else place.proven
    border = min(max(place.read, proven), place.begin)
    parts = ((proven, border, "unproven"), (border, place.begin, "lost"))
    return tuple(Gap(first, end - 1, end - first, kind) for first, end, kind in parts if first < end)  # type: ignore[arg-type]
