"""Definition of a metrics stream: rollups, lookup and measures, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl


@dataclass(frozen=True, slots=True)
class Rollup:
    """Table of parts: the measures by minute and dimensions."""

    table: str
    """`database.table`."""
    dimensions: tuple[str, ...]

    @property
    def replayed(self) -> str:
        """Return the table of replayed dead letters, by position. The views add it to the parts."""
        return f"{self.table.removesuffix('_parts')}_replayed"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Column of another dataset, looked up by key."""

    column: str
    key: str
    """Column of the fact, and key of the other dataset."""
    dataset: str
    """Id of the other dataset. The lookup reads its view in ClickHouse."""
    unknown: str
    """Value for a key that is not listed."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics of one fact."""

    name: str
    fact: str
    """Dataset id."""
    event_time: str
    """Timestamp column of the fact that determines the minute."""
    measures: Mapping[str, pl.Expr]
    """Column of the parts → expression that one line adds."""
    distincts: Mapping[str, str]
    """Column of the parts (lines by id) → column of the fact, counted distinct."""
    rollups: tuple[Rollup, ...]
    lookup: Lookup
    lateness: timedelta
    """Delay after the newest event from which a change counts as late. A late change is still counted."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the required columns of the fact."""
        used = {name for expression in self.measures.values() for name in expression.meta.root_names()}
        dimensions = {name for rollup in self.rollups for name in rollup.dimensions} - {self.lookup.column}
        return tuple(sorted({self.event_time, self.lookup.key, *used, *dimensions, *self.distincts.values()}))
