"""Baskets of the example year, replayed endlessly in order of check-out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from include.shop import source
from include.shop.source import Sample

_SLICE = 1_000
_LINE_COLUMNS = ("product_id", "quantity", *source.MONEY.values())


@dataclass(frozen=True, slots=True)
class Line:
    """One product of a basket; amounts in cents."""

    product_id: int
    quantity: int
    sales_value: int
    retail_discount: int
    coupon_discount: int
    coupon_match_discount: int


@dataclass(frozen=True, slots=True)
class Basket:
    """One basket of the history."""

    household_id: int
    store_id: int
    week: int
    checked_out_at: datetime
    lines: tuple[Line, ...]


class Year:
    """Baskets of a sample of the history, one row each: 50 MB for the whole year."""

    def __init__(self, baskets: pl.DataFrame) -> None:
        self._baskets = baskets

    @classmethod
    def load(cls, sample: Sample | None = None) -> Year:
        """Read the history; uses 300 MB of memory at its peak."""
        return cls(source.baskets(sample))

    def __len__(self) -> int:
        return self._baskets.height

    def replay(self, first: int = 0) -> Iterator[tuple[timedelta, Basket]]:
        """Yield baskets endlessly from number `first`, each with its time since the first one.

        After the last basket of the year, the next year begins one second later.
        """
        begun = self._at(first % len(self))
        lap = timedelta()
        position = first % len(self)
        while True:
            for row in self._rows(position):
                basket = _basket(row)
                yield lap + (basket.checked_out_at - begun), basket
            lap += self._at(len(self) - 1) - self._at(0) + timedelta(seconds=1)
            position = 0

    def _at(self, position: int) -> datetime:
        at: datetime = self._baskets["checked_out_at"][position]
        return at

    def _rows(self, position: int) -> Iterator[dict[str, Any]]:
        for part in self._baskets.slice(position).iter_slices(_SLICE):
            yield from part.iter_rows(named=True)


def _basket(row: dict[str, Any]) -> Basket:
    return Basket(
        row["household_id"],
        row["store_id"],
        row["week"],
        row["checked_out_at"],
        tuple(map(Line, *(row[column] for column in _LINE_COLUMNS))),
    )
