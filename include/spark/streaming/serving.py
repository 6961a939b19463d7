"""The query `cdc`: every change of a group's datasets into its state and its history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import pyarrow as pa

from include.spark.streaming.changes import Rows, rows
from include.spark.streaming.datasets import Served
from include.spark.streaming.deadletters import Letterbox
from include.spark.streaming.decode import Chunk, DeadLetter, decode
from include.spark.streaming.patience import Patience
from include.spark.streaming.pulse import Done
from include.spark.streaming.registry import Writers, check_writer
from include.spark.streaming.sink import Insert, Sink
from include.spark.streaming.targets import Columns, Targets
from include.spark.streaming.writer import Writer

QUERY: Final = "cdc"


class ServedRows(NamedTuple):
    """Rows of one dataset, and what its tables take."""

    dataset: Served
    columns: Columns
    rows: Rows


class ChangeServing:
    """Serves batches of records; one a query."""

    def __init__(
        self, datasets: Iterable[Served], writers: Writers, sink: Sink, dead_letters: Letterbox, patience: Patience
    ) -> None:
        self._by_topic = {dataset.topic: dataset for dataset in datasets}
        self._writers = writers
        self._sink = sink
        self._dead_letters = dead_letters
        self._patience = patience
        self._targets = Targets(sink, patience)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are read."""
        return tuple(self._by_topic)

    def serve(self, records: pa.Table, token: str) -> Done:
        """Serve one batch; `token` names it, the same for the same batch at every try.

        Raises SystemUnavailable, SystemRefused or Stopped, and may then have served a part of the batch.
        """
        made, dead = decode(records, self._writer, self._rows)
        self._sink.insert(inserts(made, token), self._patience)
        if dead:
            self._patience.outlast(lambda: self._dead_letters.write(dead))
        drift: dict[str, set[str]] = {}
        for part in made:
            drift.setdefault(part.dataset.id, set()).update(part.rows.drift)
        return Done(sum(part.rows.table.num_rows for part in made), len(dead), drift)

    def unreadable(self, records: pa.Table) -> list[DeadLetter]:
        """Those of the records that cannot be served, as `serve` would find; nothing is written."""
        return decode(records, self._writer, self._rows)[1]

    def _writer(self, topic: str, schema_id: int) -> Writer:
        return check_writer(self._by_topic[topic], self._patience.outlast(lambda: self._writers(schema_id)))

    def _rows(self, chunk: Chunk) -> ServedRows:
        dataset = self._by_topic[chunk.topic]
        columns = self._targets.columns(dataset, chunk.writer.id)
        found = rows(chunk, columns[dataset.tables[0]])
        self._targets.drifts(dataset, drifts=bool(found.drift))
        return ServedRows(dataset, columns, found)


def inserts(parts: Iterable[ServedRows], token: str) -> list[Insert]:
    """One insert for all rows of one table that have the same columns, in an order that never changes."""
    together: dict[tuple[str, ...], list[pa.Table]] = {}
    for part in parts:
        for table in part.dataset.tables:
            names = [name for name in part.rows.table.column_names if name in part.columns[table]]
            together.setdefault((table, *names), []).append(part.rows.table.select(names))
    return [
        Insert(key[0], pa.concat_tables(tables), f"{token}:{key[0]}:{number}")
        for number, (key, tables) in enumerate(together.items())
    ]
