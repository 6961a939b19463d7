"""Exactly-once inserts into ClickHouse, also when ClickHouse or the driver dies.

ClickHouse stores the token of an insert before the rows
(https://github.com/ClickHouse/ClickHouse/blob/master/src/Storages/MergeTree/MergeTreeSink.cpp). A server that is killed
in between has the token without the rows, and ignores every retry as a repetition. So a token is valid for one start of
the server only. Within it, the token stops an abandoned insert from counting beside its retry. Before each retry the
table is checked for the batch. Batches are counted one after the other. So a row counted through the batch's newest
offset, or beyond, shows that the batch is in that partition of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.streaming.patience import Patience
from headrace.streaming.sink import Insert, Sink

STARTS: Final = "metrics.starts"
BEGIN: Final = f"INSERT INTO {STARTS} SELECT generateUUIDv4(), now64(9) WHERE (SELECT count() FROM {STARTS}) = 0"  # noqa: S608
START: Final = f"SELECT toString(id) FROM {STARTS} ORDER BY at, id LIMIT 1"  # noqa: S608

MONTH: Final = "toYYYYMM(minute)"
"""Partition expression of the tables of parts. An insert is complete in each partition, or absent."""
THROUGH: Final = "_through"
THERE: Final = """
    SELECT DISTINCT {month} FROM {table}
     WHERE {month} IN {{months:Array(UInt32)}}
       AND {through} >= {{through:Array(UInt64)}}[indexOf({{partitions:Array(Int32)}}, _partition)]
       AND has({{partitions:Array(Int32)}}, _partition)"""


class Once:
    """Inserts the parts of batches, which are counted one after the other."""

    def __init__(self, sink: Sink, patience: Patience) -> None:
        self._sink = sink
        self._patience = patience

    def insert(self, parts: Mapping[str, pa.Table], through: Mapping[int, int], token: str, *, tried: bool) -> None:
        """Insert the parts of one batch.

        Args:
            parts: table → rows.
            through: Kafka partition → offset of the batch's newest record.
            token: identifies the batch.
            tried: whether an earlier driver may have inserted some of the rows.

        Raises SystemUnavailable, SystemRefused, Stopped.
        """
        marked = {table: _marked(rows, through) for table, rows in parts.items() if rows.num_rows}

        def attempt() -> None:
            nonlocal tried
            start = self._start()
            left = {table: self._left(table, rows, through) for table, rows in marked.items()} if tried else marked
            tried = True
            self._sink.once([Insert(t, rows, f"{token}:{t}:{start}") for t, rows in left.items() if rows.num_rows])

        self._patience.outlast(attempt)

    def _start(self) -> str:
        """Return the id of the server's current start."""
        found = self._sink.query(START)
        if not found:
            self._sink.command(BEGIN)
            found = self._sink.query(START)
        return str(found[0][0])

    def _left(self, table: str, rows: pa.Table, through: Mapping[int, int]) -> pa.Table:
        """Return the rows that the table does not have yet."""
        months = pc.add(pc.multiply(pc.year(rows["minute"]), 100), pc.month(rows["minute"]))
        parameters = {
            "months": pc.unique(months).to_pylist(),
            "partitions": list(through),
            "through": list(through.values()),
        }
        there = self._sink.query(THERE.format(table=table, month=MONTH, through=THROUGH), parameters)
        found = pa.array([month for (month,) in there], months.type)
        return rows.filter(pc.invert(pc.is_in(months, found)))


def newest_offsets(records: pa.Table) -> dict[int, int]:
    """Return Kafka partition → offset of the newest record."""
    found = records.group_by("partition").aggregate([("offset", "max")])
    return dict(zip(found["partition"].to_pylist(), found["offset_max"].to_pylist(), strict=True))


def _marked(rows: pa.Table, through: Mapping[int, int]) -> pa.Table:
    marks = [through[partition] for partition in rows["_partition"].to_pylist()]
    return rows.append_column(THROUGH, pa.array(marks, pa.uint64()))
