"""Aggregation of signed lines to the parts of one table: sums, and net lines by id for distinct counts. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.streaming.metrics.deltas import SIGN
from headrace.streaming.metrics.spec import Metrics, Rollup

COUNT: Final = ("_partition", "_snapshot")
"""Columns that identify the count of a part."""
SUM: Final = pl.Decimal(38, 2)


def by_record(lines: pl.DataFrame, metrics: Metrics, rollup: Rollup) -> pa.Table:
    """Return the parts with one row per record and sign, with the record's offset."""
    lines = lines.with_columns(pl.col(SIGN).alias("_line"))
    found = roll_up(lines, metrics, rollup, by=(*COUNT, "_offset", "_line"))
    names = [SIGN if name == "_line" else name for name in found.column_names]
    signs = found["_line"].cast(pa.int8())
    return found.set_column(found.column_names.index("_line"), "_line", signs).rename_columns(names)


def roll_up(lines: pl.DataFrame, metrics: Metrics, rollup: Rollup, by: tuple[str, ...] = COUNT) -> pa.Table:
    """Return the parts, one row per minute, dimensions and count. Rows with a net of zero are left out."""
    keys = ["minute", *rollup.dimensions, *by]
    sums = lines.group_by(keys).agg(
        *(_signed(expression).sum().alias(name) for name, expression in metrics.measures.items()),
        pl.col(SIGN).sum().alias("lines"),
        pl.col("late").sum().alias("late_rows"),
        pl.col("_committed_at").max().alias("changed_at"),
    )
    for name, column in metrics.distincts.items():
        sums = sums.join(_by_id(lines, keys, column, name), on=keys, how="left")
    amounts = [*metrics.measures, "lines", "late_rows"]
    moved = pl.any_horizontal([pl.col(name) != 0 for name in amounts])
    ids = pl.any_horizontal([pl.col(f"{name}_ids").is_not_null() for name in metrics.distincts])
    return _table(sums.filter(moved | ids).sort(keys), metrics)


def _signed(expression: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(SIGN) > 0).then(expression).otherwise(-expression)


def _by_id(lines: pl.DataFrame, keys: list[str], column: str, name: str) -> pl.DataFrame:
    """Return two lists per part: ids and their net lines. Ids with a net of zero are left out."""
    net = lines.filter(pl.col(column).is_not_null()).group_by([*keys, column]).agg(pl.col(SIGN).sum().alias("n"))
    net = net.filter(pl.col("n") != 0).sort([*keys, column])
    return net.group_by(keys, maintain_order=True).agg(
        pl.col(column).cast(pl.Int64).alias(f"{name}_ids"), pl.col("n").alias(f"{name}_n")
    )


def _table(parts: pl.DataFrame, metrics: Metrics) -> pa.Table:
    decimals = [name for name, type_ in parts.schema.items() if isinstance(type_, pl.Decimal)]
    parts = parts.with_columns(
        *(pl.col(name).cast(SUM) for name in decimals),
        pl.col("_partition").cast(pl.Int32),
        pl.col("lines").cast(pl.Int64),
    )
    table = parts.to_arrow(compat_level=pl.CompatLevel.oldest())
    for name in metrics.distincts:
        made = _map(table[f"{name}_ids"].combine_chunks(), table[f"{name}_n"].combine_chunks())
        table = table.drop_columns([f"{name}_ids", f"{name}_n"]).append_column(name, made)
    minutes = table["minute"].cast(pa.timestamp("s", "UTC"))
    return table.set_column(table.column_names.index("minute"), "minute", minutes)


def _map(ids: pa.Array, counts: pa.Array) -> pa.MapArray:
    """Return one map per part; it is empty for a part without ids."""
    lengths = np.nan_to_num(ids.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.MapArray.from_arrays(pa.array(offsets), ids.flatten(), counts.flatten())
