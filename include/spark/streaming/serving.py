"""The query `cdc`: every change of a group's datasets into its state and its history."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from headrace.errors import SystemRefused
from include.spark.streaming.changes import Rows, rows
from include.spark.streaming.datasets import Served
from include.spark.streaming.deadletters import DeadLetters
from include.spark.streaming.decode import Chunk, decode
from include.spark.streaming.patience import Patience
from include.spark.streaming.pulse import Done
from include.spark.streaming.registry import Writers
from include.spark.streaming.sink import Insert, Sink

QUERY: Final = "cdc"
DRIFT_RECHECK_S: Final = 30.0
"""How soon a column that was added to the target after its records came is noticed."""


@dataclass(slots=True)
class _Target:
    columns: Mapping[str, Mapping[str, str]]
    """Table → column → type."""
    seen: set[int] = field(default_factory=set)
    """Schema ids that came since the columns were read."""
    drifts: bool = False
    read_at: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Whether a column that drifted may have come meanwhile."""
        return self.drifts and time.monotonic() - self.read_at > DRIFT_RECHECK_S


class ChangeServing:
    """Serves batches of records; one a query."""

    def __init__(
        self, datasets: Iterable[Served], writers: Writers, sink: Sink, dead_letters: DeadLetters, patience: Patience
    ) -> None:
        self._by_topic = {dataset.topic: dataset for dataset in datasets}
        self._writers = writers
        self._sink = sink
        self._dead_letters = dead_letters
        self._patience = patience
        self._targets: dict[str, _Target] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are read."""
        return tuple(self._by_topic)

    def serve(self, records: pa.Table, token: str) -> Done:
        """Serve one batch; `token` names it, the same for the same batch at every try.

        Raises SystemUnavailable, SystemRefused or Stopped, and may then have served a part of the batch.
        """
        made, dead = decode(records, lambda i: self._patience.outlast(lambda: self._writers(i)), self._rows)
        inserts = [insert for dataset, part in made for insert in self._inserts(dataset, part)]
        self._sink.insert(_merged(inserts, token), self._patience)
        if dead:
            self._patience.outlast(lambda: self._dead_letters.write(dead))
        drift: dict[str, set[str]] = {}
        for dataset, part in made:
            drift.setdefault(dataset.id, set()).update(part.drift)
        return Done(sum(part.table.num_rows for _, part in made), len(dead), drift)

    def _rows(self, chunk: Chunk) -> tuple[Served, Rows]:
        dataset = self._by_topic[chunk.topic]
        target = self._target(dataset, chunk.writer.id)
        found = rows(chunk, target.columns[dataset.tables[0]])
        target.drifts = bool(found.drift)
        return dataset, found

    def _inserts(self, dataset: Served, part: Rows) -> Iterable[tuple[str, pa.Table]]:
        target = self._targets[dataset.topic]
        for table in dataset.tables:
            names = [name for name in part.table.column_names if name in target.columns[table]]
            yield table, part.table.select(names)

    def _target(self, dataset: Served, schema_id: int) -> _Target:
        """The tables' columns, read again when a schema comes that was not seen, and now and then while they drift."""
        known = self._targets.get(dataset.topic)
        if known is not None and schema_id in known.seen and not known.is_due:
            return known
        columns = self._patience.outlast(lambda: self._sink.columns(dataset.tables))
        missing = [table for table in dataset.tables if table not in columns]
        if missing:
            raise SystemRefused(
                "warehouse", self._sink.address, f"there is no table {', '.join(missing)}; apply the contracts first"
            )
        seen = {schema_id} if known is None or known.columns != columns else known.seen | {schema_id}
        self._targets[dataset.topic] = _Target(columns, seen)
        return self._targets[dataset.topic]


def _merged(parts: Iterable[tuple[str, pa.Table]], token: str) -> list[Insert]:
    """One insert for all parts of one table that have the same columns, in an order that never changes."""
    together: dict[tuple[str, ...], list[pa.Table]] = {}
    for table, part in parts:
        together.setdefault((table, *part.column_names), []).append(part)
    return [
        Insert(key[0], pa.concat_tables(tables), f"{token}:{key[0]}:{number}")
        for number, (key, tables) in enumerate(together.items())
    ]
