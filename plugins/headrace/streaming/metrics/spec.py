"""What a metrics stream is made of, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl


@dataclass(frozen=True, slots=True)
class Rollup:
    """One table of parts: the measures by minute and these dimensions."""

    table: str
    """`database.table`."""
    dimensions: tuple[str, ...]

    @property
    def replayed(self) -> str:
        """The table of replayed dead letters, by position; the views add it to the parts."""
        return f"{self.table.removesuffix('_parts')}_replayed"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that another dataset has, found by key."""

    column: str
    key: str
    """The fact's column, and the other dataset's key."""
    dataset: str
    """Id of the other dataset; its view in ClickHouse is asked."""
    unknown: str
    """What stands for a key that is not listed."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one fact."""

    name: str
    fact: str
    """Dataset id."""
    event_time: str
    """The fact's timestamp that decides the minute."""
    measures: Mapping[str, pl.Expr]
    """Column of the parts → what one line adds to it."""
    distincts: Mapping[str, str]
    """Column of the parts (lines by id) → the fact's column that is counted once."""
    rollups: tuple[Rollup, ...]
    lookup: Lookup
    lateness: timedelta
    """How far behind the newest event a change may be before it counts as late. It is counted all the same."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The fact's columns that are needed."""
        used = {name for expression in self.measures.values() for name in expression.meta.root_names()}
        dimensions = {name for rollup in self.rollups for name in rollup.dimensions} - {self.lookup.column}
        return tuple(sorted({self.event_time, self.lookup.key, *used, *dimensions, *self.distincts.values()}))
