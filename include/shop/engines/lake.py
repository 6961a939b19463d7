"""Fingerprints of raw lake tables by pyiceberg: of the current rows after all their changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

import polars as pl
import pyarrow as pa

from include.shop.canonical import NULL, SEPARATOR, table_hash
from include.shop.oracle import Fingerprint, Number
from include.shop.shape import Column, Kind, Shape

META = ("_op", "_kafka_partition", "_offset")
"""Columns of a raw table with a change's operation and position; `_offset` orders the changes of a key."""


class _Scan(Protocol):
    def to_arrow(self) -> pa.Table: ...


class RawTable(Protocol):
    """Protocol of a table, as implemented by pyiceberg."""

    def scan(self, *, selected_fields: tuple[str, ...]) -> _Scan:
        """Read the selected columns of the current snapshot."""
        ...


class Catalog(Protocol):
    """Protocol of a catalog, as implemented by pyiceberg."""

    def load_table(self, identifier: str) -> RawTable:
        """Open a table by its full name."""
        ...


def lake_fingerprints(catalog: Catalog, shapes: Iterable[Shape]) -> dict[str, Fingerprint]:
    """Return dataset → fingerprint of its table `raw.<domain>_<dataset>`."""
    return {
        shape.dataset: lake_fingerprint(catalog.load_table(f"raw.{shape.dataset.replace('.', '_')}"), shape)
        for shape in shapes
    }


def lake_fingerprint(table: RawTable, shape: Shape) -> Fingerprint:
    """Return the fingerprint of one raw table; loads all its changes into memory."""
    fields = (*(column.name for column in shape.columns), *META)
    return changes_fingerprint(table.scan(selected_fields=fields).to_arrow(), shape)


def changes_fingerprint(changes: pa.Table, shape: Shape) -> Fingerprint:
    """Return the fingerprint of the rows after all changes: the latest change per key, without deletes."""
    frame = pl.DataFrame(pl.from_arrow(changes))
    positions = frame.select("_kafka_partition", "_offset").n_unique()
    rows = (
        frame.sort("_offset")
        .unique(subset=shape.key, keep="last")
        .filter(pl.col("_op") != "d")
        .select(column.name for column in shape.columns)
    )
    nulls = rows.null_count().row(0, named=True)
    return Fingerprint(
        rows=rows.height,
        duplicates=frame.height - positions,
        sums={column.name: _sum(rows, column) for column in shape.columns},
        nulls=nulls,
        hash=table_hash(
            rows.select(
                pl.concat_str(
                    (_text(column).fill_null(NULL) for column in shape.columns),
                    separator=SEPARATOR,
                )
            ).to_series()
        ),
    )


def _text(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    texts: Mapping[Kind, pl.Expr] = {
        "integer": value.cast(pl.String),
        "decimal": value.cast(pl.Decimal(38, column.scale)).cast(pl.String),
        "timestamp": value.dt.epoch("us").cast(pl.String),
        "date": value.cast(pl.Int32).cast(pl.String),
        "text": value.cast(pl.String)
        .str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all(SEPARATOR, "\\p", literal=True),
        "boolean": value.cast(pl.String),
    }
    return texts[column.kind]


def _sum(rows: pl.DataFrame, column: Column) -> Number:
    value = pl.col(column.name)
    numbers: Mapping[Kind, pl.Expr] = {
        "integer": value.cast(pl.Int128),
        "decimal": value.cast(pl.Decimal(38, column.scale)),
        "timestamp": value.dt.epoch("us").cast(pl.Int128),
        "date": value.cast(pl.Int32).cast(pl.Int64),
        "text": value.cast(pl.String).str.len_bytes().cast(pl.Int64),
        "boolean": value.cast(pl.Int64),
    }
    total: Number | None = rows.select(numbers[column.kind].sum()).item()
    return total or (Decimal(0) if column.kind == "decimal" else 0)
