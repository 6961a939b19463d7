"""Oracle that compares every hop with the committed rows of the source.

A fingerprint contains a dataset's number of rows, number of duplicates, sum of each column and an
order-independent hash of all rows. `engines` computes fingerprints in PostgreSQL, in ClickHouse
and over the lake. Two hops hold the same rows when their fingerprints are equal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprint of one dataset in one hop."""

    rows: int
    duplicates: int
    """Rows beyond one per key; in the lake, changes beyond one per source position. Expected: 0."""
    sums: Mapping[str, Number]
    """Column → sum of its numbers, of microseconds or days since 1970, or of text lengths in bytes."""
    nulls: Mapping[str, int]
    """Column → number of nulls."""
    hash: int
    """Sum of the row hashes modulo 2**64, see `canonical`."""


Fingerprints = Mapping[str, Mapping[str, Fingerprint]]
"""Hop → dataset → fingerprint. The first hop is the reference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a hop and the first one."""

    dataset: str
    hop: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of a comparison of hops."""

    hops: tuple[str, ...]
    rows: Mapping[str, tuple[int | None, ...]]
    """Dataset → rows in each hop; None if the hop does not have the dataset."""
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """True when every hop holds exactly the rows of the first one."""
        return not self.differences

    def __str__(self) -> str:
        """Return a table of rows by dataset and hop, followed by one line per difference."""
        differing = {difference.dataset for difference in self.differences}
        table = [("dataset", *self.hops, "")]
        for dataset, counts in self.rows.items():
            shown = ("absent" if count is None else f"{count:,}" for count in counts)
            table.append((dataset, *shown, "DIFFERS" if dataset in differing else "equal"))
        return "\n".join((*_aligned(table), *map(_sentence, self.differences)))


def compare(fingerprints: Fingerprints) -> Comparison:
    """Compare every hop with the first one."""
    hops = tuple(fingerprints)
    datasets = dict.fromkeys(dataset for hop in hops for dataset in fingerprints[hop])
    return Comparison(
        hops,
        {
            dataset: tuple(found.rows if (found := fingerprints[hop].get(dataset)) else None for hop in hops)
            for dataset in datasets
        },
        tuple(
            difference
            for dataset in datasets
            for hop in hops
            for difference in _differences(
                dataset, hop, fingerprints[hops[0]].get(dataset), fingerprints[hop].get(dataset)
            )
        ),
    )


def await_equal(read: Callable[[], Fingerprints], *, timeout_s: float, every_s: float = 1.0) -> Comparison:
    """Compare repeatedly until all hops are equal or the timeout has passed; return the last comparison.

    Use it for hops that are still catching up with a source that no longer changes.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        comparison = compare(read())
        if comparison.equal or time.monotonic() + every_s > deadline:
            return comparison
        time.sleep(every_s)


def _differences(
    dataset: str, hop: str, expected: Fingerprint | None, found: Fingerprint | None
) -> Iterator[Difference]:
    if expected is None or found is None:
        if expected is not found:
            yield Difference(dataset, hop, "dataset", _presence(expected), _presence(found))
        return
    if found.duplicates:
        yield Difference(dataset, hop, "duplicates", "0", f"{found.duplicates:,}")
    pairs: list[tuple[str, Number | None, Number | None]] = [("rows", expected.rows, found.rows)]
    for column in dict.fromkeys((*expected.sums, *found.sums)):
        pairs += [
            (f"sum of {column}", expected.sums.get(column), found.sums.get(column)),
            (f"nulls in {column}", expected.nulls.get(column), found.nulls.get(column)),
        ]
    for what, wanted, seen in pairs:
        if wanted != seen:
            yield Difference(dataset, hop, what, _shown(wanted), _shown(seen))
    if expected.hash != found.hash:
        yield Difference(dataset, hop, "hash", f"{expected.hash:016x}", f"{found.hash:016x}")


def _presence(fingerprint: Fingerprint | None) -> str:
    return "absent" if fingerprint is None else "present"


def _shown(number: Number | None) -> str:
    return "absent" if number is None else f"{number:,}"


def _sentence(difference: Difference) -> str:
    return (
        f"{difference.dataset} in {difference.hop}: {difference.what} is {difference.found}, not {difference.expected}"
    )


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
