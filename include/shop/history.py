"""Load the year of history into the OLTP database, with one COPY and one transaction per table.

A table is loaded completely or not at all, and its row in `shop.loads` is written in the same
transaction. Another load skips loaded tables and continues with the others.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import psycopg
from psycopg import errors, sql

from include.shop import source
from include.shop.errors import HistoryConflict, HistoryMismatch
from include.shop.schema import require_schema
from include.shop.source import Sample

CHUNK_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Progress of one table; sent after every chunk and once when the table is committed."""

    dataset: str
    rows: int
    """Rows sent so far."""
    total: int
    """Rows that the table will have."""
    seconds: float
    committed: bool
    skipped: bool = False
    """True when an earlier load committed the table."""


def load_history(
    conninfo: str,
    sample: Sample | float | int | str | None = None,
    progress: Callable[[LoadProgress], None] = lambda _: None,
) -> tuple[LoadProgress, ...]:
    """Load every dataset that is not loaded yet; return the final progress of each, in load order.

    Keys and checks stay in place during the load: in time order the COPY appends to the indexes.
    Creating them afterwards would save a tenth of the time, but change records would have no key.
    The shop role is sufficient. Raises SchemaMissing, HistoryMismatch when another sample is
    loaded, HistoryConflict when rows that this loader did not write have keys of the history.
    """
    wanted = Sample.of(sample)
    with psycopg.connect(conninfo, application_name="headrace-shop-load") as connection:
        require_schema(connection)
        connection.commit()
        return tuple(_load(connection, name, wanted, progress) for name in source.DATASETS)


def loaded_sample(connection: psycopg.Connection) -> Sample | None:
    """Return the sample of the loaded transactions; None when they are not loaded."""
    row = connection.execute("SELECT sample FROM shop.loads WHERE dataset = 'transactions'").fetchone()
    return Sample.of(row[0]) if row else None


def _load(
    connection: psycopg.Connection,
    dataset: str,
    sample: Sample,
    progress: Callable[[LoadProgress], None],
) -> LoadProgress:
    started = time.monotonic()
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('shop.loads'))")
        done = _already_loaded(connection, dataset, sample)
        if done is None:
            rows = source.frame(dataset, sample)
            _fill(connection, dataset, rows, started, progress)
            seconds = time.monotonic() - started
            connection.execute(
                "INSERT INTO shop.loads (dataset, sample, rows, seconds) VALUES (%s, %s, %s, %s)",
                (dataset, str(sample), rows.height, seconds),
            )
            done = LoadProgress(dataset, rows.height, rows.height, seconds, committed=True)
    progress(done)
    return done


def _already_loaded(connection: psycopg.Connection, dataset: str, sample: Sample) -> LoadProgress | None:
    row = connection.execute("SELECT sample, rows, seconds FROM shop.loads WHERE dataset = %s", (dataset,)).fetchone()
    if row is None:
        return None
    if row[0] != str(sample):
        raise HistoryMismatch(
            f"retail.{dataset} is loaded with sample {row[0]}, not {sample}:"
            f" use sample {row[0]}, or delete all data with ./headrace clean"
        )
    return LoadProgress(dataset, row[1], row[1], row[2], committed=True, skipped=True)


def _fill(
    connection: psycopg.Connection,
    dataset: str,
    rows: pl.DataFrame,
    started: float,
    progress: Callable[[LoadProgress], None],
) -> None:
    table = sql.Identifier("retail", dataset)
    copy_statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    )
    sent = 0
    try:
        with connection.cursor() as cursor, cursor.copy(copy_statement) as copy:
            for chunk in rows.iter_slices(CHUNK_ROWS):
                copy.write(_csv(chunk))
                sent += chunk.height
                elapsed = time.monotonic() - started
                progress(LoadProgress(dataset, sent, rows.height, elapsed, committed=False))
    except errors.UniqueViolation as conflict:
        raise HistoryConflict(
            f"retail.{dataset} contains rows of the history that no load has recorded"
            f" ({conflict.diag.message_detail}): delete all data with ./headrace clean, then load again"
        ) from conflict


def _csv(chunk: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    chunk.write_csv(buffer, include_header=False)
    return buffer.getvalue()
