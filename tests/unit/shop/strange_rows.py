"""Rows with every kind of column, and the values that engines are likeliest to render apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pyarrow as pa

from include.shop.canonical import Value, row_text, table_hash
from include.shop.shape import Column, Shape

SHAPE = Shape(
    "strange.rows",
    ("k", "d"),
    (
        Column("k", "integer"),
        Column("d", "date"),
        Column("i", "integer"),
        Column("m", "decimal", 2),
        Column("whole", "decimal", 0),
        Column("at", "timestamp"),
        Column("day", "date"),
        Column("s", "text"),
        Column("b", "boolean"),
    ),
)
ARROW = pa.schema(
    [
        ("k", pa.int64()),
        ("d", pa.date32()),
        ("i", pa.int32()),
        ("m", pa.decimal128(12, 2)),
        ("whole", pa.decimal128(12, 0)),
        ("at", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("s", pa.string()),
        ("b", pa.bool_()),
    ]
)
TEXTS = ("", "\\N", "a|b", "\\", "\\\\p|", "é🎉\n\t'\"", "x\x1f", "|", " 16 OZ ")
DECIMALS = tuple(map(Decimal, ("0.00", "-0.05", "1.50", "9999999999.99", "-9999999999.99")))

Row = tuple[Value, ...]


def strange_rows(count: int, seed: int = 1) -> list[Row]:
    """So many rows with keys of their own; a fifth of all other values is null."""
    chance = Random(seed)
    return [(k, date(1960, 1, 1) + timedelta(k), *strange_values(chance)) for k in range(count)]


def strange_values(chance: Random) -> Row:
    """Values for all columns but the key."""
    values: Row = (
        chance.randint(-(2**31), 2**31 - 1),
        chance.choice(DECIMALS),
        Decimal(chance.randint(-(10**11), 10**11)),
        datetime(1950, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randint(0, 4 * 10**15)),
        date(1950, 1, 1) + timedelta(chance.randint(0, 40_000)),
        chance.choice(TEXTS),
        chance.random() < 0.5,
    )
    return tuple(None if chance.random() < 0.2 else value for value in values)


def hash_of(rows: list[Row]) -> int:
    """The hash by the reference in `canonical`."""
    return table_hash(row_text(SHAPE.columns, row) for row in rows)


def arrow(rows: list[Row]) -> pa.Table:
    """The rows as the lake would give them."""
    columns = zip(*rows, strict=True) if rows else [()] * len(ARROW)
    return pa.table([pa.array(c, t.type) for c, t in zip(columns, ARROW, strict=True)], ARROW)
