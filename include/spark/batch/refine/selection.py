"""Selection of the keys to refine: changed in an interval, changed past a watermark, or all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from headrace.contracts.contract import Contract

PARTITION, OFFSET, COMMITTED = "_kafka_partition", "_offset", "_committed_at"


@dataclass(frozen=True, slots=True)
class Selection:
    """Selection by intervals, by a watermark (`past`), or by neither for all keys.

    An interval selects the keys with a change whose event time or commit time is in it.
    """

    intervals: tuple[tuple[datetime, datetime], ...] = ()
    """Pairs of start and end (exclusive)."""
    past: Mapping[int, int] | None = field(default=None, hash=False)
    """Kafka partition → last offset that is already refined."""
    positions: Mapping[int, tuple[int, ...]] = field(default_factory=dict, hash=False)
    """Kafka partition → offsets whose keys are selected in addition."""

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """Parse `{"intervals": [[iso, iso]]}`, `{"past": {"0": 17}}`, either with `"positions": {"0": [3]}`, or `{}`.

        Raises ValueError for anything else.
        """
        value = json.loads(text)
        positions = {int(partition): tuple(offsets) for partition, offsets in value.pop("positions", {}).items()}
        if value.keys() == {"intervals"}:
            times = ((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in value["intervals"])
            return cls(tuple(times), positions=positions)
        if value.keys() == {"past"}:
            past = {int(partition): int(offset) for partition, offset in value["past"].items()}
            return cls(past=past, positions=positions) if past else cls()
        if value:
            raise ValueError(f"a selection must have intervals or past, or be empty for all keys; got {text}")
        return cls()

    def reached(self, raw: DataFrame) -> dict[int, int] | None:
        """Return Kafka partition → last offset refined after this selection; None for intervals."""
        if self.intervals:
            return None
        past = self.past or {}
        new = raw.where(self._beyond(past)) if past else raw
        found = new.groupBy(PARTITION).agg(f.max(OFFSET).alias("offset")).collect()
        return {**past, **{row[PARTITION]: row.offset for row in found}}

    def keys(self, raw: DataFrame, contract: Contract) -> DataFrame | None:
        """Return the selected keys, each once; None for all keys."""
        condition = self._condition(contract)
        return None if condition is None else raw.where(condition).select(*contract.identity).distinct().cache()

    def _condition(self, contract: Contract) -> Column | None:
        if self.past is not None:
            return reduce(or_, self._at_positions(), self._beyond(self.past))
        if not self.intervals:
            return None
        # Commit time too: deletes have no event time, and corrections are committed long after the original change.
        times = [f.col(name).cast("timestamp") for name in (COMMITTED, contract.event_time) if name]
        within = ((at >= f.lit(start)) & (at < f.lit(end)) for at in times for start, end in self.intervals)
        return reduce(or_, (*within, *self._at_positions()))

    def _at_positions(self) -> list[Column]:
        return [(f.col(PARTITION) == p) & f.col(OFFSET).isin(list(found)) for p, found in self.positions.items()]

    @staticmethod
    def _beyond(past: Mapping[int, int]) -> Column:
        known = ((f.col(PARTITION) == p) & (f.col(OFFSET) > offset) for p, offset in past.items())
        return reduce(or_, known, ~f.col(PARTITION).isin(list(past)))


def of_keys(raw: DataFrame, contract: Contract, keys: DataFrame | None) -> DataFrame:
    """Return all changes of these keys; of all keys for None."""
    if keys is None:
        return raw
    return raw.where(bounds(keys, contract.identity[0])).join(keys, list(contract.identity), "left_semi")


def bounds(keys: DataFrame, column: str) -> Column:
    """Return the condition that the column is between its minimum and maximum among the keys; false without keys.

    It prunes files of tables written roughly in key order. Without it a small interval would read the whole zone.
    """
    found: Any = keys.agg(f.min(column).alias("least"), f.max(column).alias("most")).first()
    if found is None or found.least is None:
        return f.lit(False)
    return f.col(column).between(f.lit(found.least), f.lit(found.most))
