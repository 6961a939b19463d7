"""Parsing of the one row of texts that a fingerprint query returns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from include.shop.canonical import MODULUS
from include.shop.oracle import Fingerprint, Number
from include.shop.shape import Column, Shape


def fingerprint(shape: Shape, answer: Sequence[str]) -> Fingerprint:
    """Parse rows, duplicates and hash, then sum and nulls of every column in order."""
    rows, duplicates, total, *columns = answer
    return Fingerprint(
        rows=int(rows),
        duplicates=int(duplicates),
        sums={column.name: _number(column, value) for column, value in zip(shape.columns, columns[::2], strict=True)},
        nulls={column.name: int(value) for column, value in zip(shape.columns, columns[1::2], strict=True)},
        hash=int(total) % MODULUS,
    )


def _number(column: Column, value: str) -> Number:
    return Decimal(value) if column.kind == "decimal" else int(value)
