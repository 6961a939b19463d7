"""Decisions of metrics batches: records that a batch does not count, stored before the batch is counted.

A partly inserted batch that is retried counts what its first try decided. A record whose schema arrived meanwhile stays
a dead letter, and its replay counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.streaming.decode import DeadLetter, as_dead_letters
from headrace.streaming.patience import Patience
from headrace.streaming.sink import Insert, Sink

DECISIONS: Final = "metrics.decisions"
MAYBE_COUNTED: Final = (
    "It was readable at the first try of its batch and may be counted already: compare before the replay"
)

PLACE: Final = pa.struct(
    [("partition", pa.int32()), ("offset", pa.uint64()), ("rule", pa.string()), ("reason", pa.string())]
)


class Decided(NamedTuple):
    """A record that is not counted."""

    partition: int
    offset: int
    rule: str
    reason: str


class Decisions:
    """Decisions of one driver's metrics, stored in ClickHouse."""

    def __init__(self, sink: Sink, patience: Patience) -> None:
        self._sink = sink
        self._patience = patience

    def of(self, token: str) -> list[Decided] | None:
        """Return the decision of an earlier try of the batch; None at the first try."""
        query = f"SELECT dead FROM {DECISIONS} WHERE token = {{token:String}} ORDER BY _inserted_at LIMIT 1"  # noqa: S608
        found = self._patience.outlast(lambda: self._sink.query(query, {"token": token}))
        if not found:
            return None
        return [Decided(**each) if isinstance(each, dict) else Decided(*each) for each in found[0][0]]

    def keep(self, token: str, dead: Sequence[DeadLetter]) -> None:
        """Store the decision of the first try."""
        places = [Decided(each.partition, each.offset, each.rule, each.reason)._asdict() for each in dead]
        rows = pa.table({"token": [token], "dead": pa.array([places], pa.list_(PLACE))})
        self._sink.insert([Insert(DECISIONS, rows)], self._patience)


def divided(records: pa.Table, decided: Sequence[Decided]) -> tuple[list[DeadLetter], pa.Table]:
    """Return the decided dead letters, and the records without them."""
    dead: list[DeadLetter] = []
    for each in decided:
        own = pc.and_(pc.equal(records["partition"], each.partition), pc.equal(records["offset"], each.offset))
        dead += as_dead_letters(records.filter(own), each.reason, each.rule)
        records = records.filter(pc.invert(own))
    return dead, records
