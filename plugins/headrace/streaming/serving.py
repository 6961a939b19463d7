"""Query `cdc`: writes every change of a group's datasets into their state and history tables.

Dead letters are written before rows are inserted, and an insert has no token. A retried batch is inserted again,
including records that became readable meanwhile; rows with the same position merge.

Datasets are independent: a dataset whose table refuses the rows is held, and the others are served.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import SystemRefused
from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.changes import POSITION, Rows, deletion, rows
from headrace.streaming.datasets import Served
from headrace.streaming.dead_letters import DeadLetterWriter
from headrace.streaming.decode import Chunk, DeadLetter, as_dead_letters, decode
from headrace.streaming.patience import Patience
from headrace.streaming.pulse import Done
from headrace.streaming.registry import Writers, check_writer
from headrace.streaming.sink import Insert, Sink
from headrace.streaming.targets import Columns, Targets
from headrace.streaming.writer import Writer

QUERY: Final = "cdc"
REFUSED: Final = "refused-by-warehouse"
"""Rule of a dead letter whose values ClickHouse cannot convert."""


class ServedRows(NamedTuple):
    """Rows of one dataset, with the columns of their tables."""

    dataset: Served
    columns: Columns
    rows: Rows
    records: pa.Table
    """Records of the rows."""


class ChangeServing:
    """Handler of the query `cdc`; one per query."""

    def __init__(
        self,
        datasets: Iterable[Served],
        writers: Writers,
        sink: Sink,
        dead_letters: DeadLetterWriter,
        patience: Patience,
    ) -> None:
        self._by_topic = {dataset.topic: dataset for dataset in datasets}
        self._writers = writers
        self._sink = sink
        self._dead_letters = dead_letters
        self._patience = patience
        self._targets = Targets(sink, patience)

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics to read."""
        return tuple(self._by_topic)

    def serve(self, records: pa.Table, _: str = "") -> Done:
        """Serve one batch. It needs no token, because it may be served twice.

        Records of topics without a dataset are left out. Raises SystemUnavailable, SystemRefused or
        Stopped; part of the batch may then be served.
        """
        batch = _Batch(self._by_topic, self._targets)
        made, dead = decode(_of_topics(records, self._by_topic), self._writer, batch.rows)
        parts = [part for part in (*made, *batch.deletions) if part is not None]
        self.set_aside(dead)
        refused = self._sink.attempt(inserts(parts), self._patience)
        for dataset in {part.dataset.id: part.dataset for part in parts}.values():
            reason = next((refused[table] for table in dataset.tables if table in refused), None)
            if reason is not None:
                mine = [part for part in parts if part.dataset.id == dataset.id]
                dead += self._without_refused(dataset, mine, reason, batch.held)
        served = [part for part in parts if part.dataset.topic not in batch.held]
        drift: dict[str, set[str]] = {}
        for part in served:
            drift.setdefault(part.dataset.id, set()).update(part.rows.drift)
        return Done(sum(part.rows.table.num_rows for part in served), len(dead), drift, batch.held)

    def unreadable(self, records: pa.Table) -> list[DeadLetter]:
        """Return the records that `serve` could not serve, as dead letters. Writes nothing."""
        batch = _Batch(self._by_topic, self._targets)
        made, dead = decode(records, self._writer, batch.rows)
        return [*dead, *(each for part in made if part for each in self._refused(part)[1])]

    def _without_refused(
        self, dataset: Served, parts: Sequence[ServedRows], reason: SystemRefused, held: dict[str, str]
    ) -> list[DeadLetter]:
        """Insert a dataset's rows without those that ClickHouse cannot convert; return the dead letters of these.

        If ClickHouse still refuses, the dataset is held.
        """
        tried = [self._refused(part) for part in parts]
        dead = [each for _, dead_letters in tried for each in dead_letters]
        if not dead:
            held[dataset.topic] = reason.message
            return []
        self.set_aside(dead)
        rest = [part for part, _ in tried if part.rows.table.num_rows]
        for again in self._sink.attempt(inserts(rest), self._patience).values():
            held[dataset.topic] = again.message
        return dead

    def _refused(self, part: ServedRows) -> tuple[ServedRows, list[DeadLetter]]:
        """Return a part without the rows that ClickHouse cannot convert, and the dead letters of these."""
        types = {name: type_ for columns in part.columns.values() for name, type_ in columns.items()}
        table = part.rows.table.select([name for name in part.rows.table.column_names if name in types])
        taken: list[pa.Table] = []
        dead: list[DeadLetter] = []
        pending = [table]
        while pending:
            rows_ = pending.pop()
            refusal = self._sink.refusal(rows_, types, self._patience) if rows_.num_rows else None
            if refusal is None:
                taken.append(rows_)
            elif rows_.num_rows == 1:
                dead += as_dead_letters(_at(part.records, rows_), refusal.message, REFUSED)
            else:
                half = rows_.num_rows // 2
                pending += [rows_.slice(half), rows_.slice(0, half)]
        return part._replace(rows=Rows(pa.concat_tables(taken) if taken else table.slice(0, 0), part.rows.drift)), dead

    def set_aside(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Write dead letters. Raises SystemUnavailable, Stopped."""
        if dead_letters:
            self._patience.outlast(lambda: self._dead_letters.write(dead_letters))

    def _writer(self, topic: str, schema_id: int) -> Writer:
        return check_writer(self._by_topic[topic], self._patience.outlast(lambda: self._writers(schema_id)))


class _Batch:
    """Row conversion of one batch, for `decode`."""

    def __init__(self, by_topic: dict[str, Served], targets: Targets) -> None:
        self._by_topic = by_topic
        self._targets = targets
        self.held: dict[str, str] = {}
        """Topic → why it is held."""
        self.deletions: list[ServedRows] = []
        """Deletions of rows whose values do not fit; the key is enough for the state table."""

    def rows(self, chunk: Chunk) -> ServedRows | None:
        """Return the rows of a chunk; None if its dataset is held."""
        dataset = self._by_topic[chunk.topic]
        try:
            columns = self._targets.columns(dataset, chunk.writer.id)
        except SystemRefused as refused:
            self.held[chunk.topic] = refused.message
        if chunk.topic in self.held:
            return None
        try:
            found = rows(chunk, columns[dataset.tables[0]], dataset.deleted)
        except UnreadableRecords:
            self._delete(dataset, columns, chunk)
            raise
        self._targets.drifts(dataset, drifts=bool(found.drift))
        return ServedRows(dataset, columns, found, chunk.records)

    def _delete(self, dataset: Served, columns: Columns, chunk: Chunk) -> None:
        """Add the deletion of a single record to `deletions`, whatever its other values are."""
        if not dataset.captured or chunk.records.num_rows > 1:
            return
        state = dataset.tables[0]
        found = deletion(chunk, columns[state], dataset.key)
        if found is not None:
            self.deletions.append(ServedRows(dataset, {state: columns[state]}, Rows(found, frozenset()), chunk.records))


def inserts(parts: Iterable[ServedRows]) -> list[Insert]:
    """Return one insert per table and set of columns."""
    together: dict[tuple[str, ...], list[pa.Table]] = {}
    for part in parts:
        for table in part.columns:
            names = [name for name in part.rows.table.column_names if name in part.columns[table]]
            together.setdefault((table, *names), []).append(part.rows.table.select(names))
    whole = [(table, pa.concat_tables(tables)) for (table, *_), tables in together.items()]
    return [Insert(table, rows_) for table, rows_ in whole if rows_.num_rows]


def _of_topics(records: pa.Table, topics: Iterable[str]) -> pa.Table:
    known = pc.is_in(records["topic"], pa.array(topics, records.schema.field("topic").type))
    return records if pc.all(known).as_py() else records.filter(known)


def _at(records: pa.Table, row: pa.Table) -> pa.Table:
    """Return the record of a row."""
    partition, offset = (row[name][0].as_py() for name in POSITION)
    return records.filter(pc.and_(pc.equal(records["partition"], partition), pc.equal(records["offset"], offset)))
