r"""Canonical text and hash of a row, identical in every engine. Pure.

A row's text is its columns joined by `|`: integers and decimals in digits (decimals with all
digits of their scale), timestamps in microseconds and dates in days since 1970, booleans as
true and false, null as `\N`, and `\` and `|` in texts written `\\` and `\p`. Its hash is the
first 8 bytes of the MD5 of that text, as an unsigned number. A table's hash is the sum of its
row hashes modulo 2**64, independent of their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import md5

from include.shop.shape import Column

SEPARATOR = "|"
NULL = "\\N"
MODULUS = 2**64

Value = int | Decimal | datetime | date | str | bool | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(column: Column, value: Value) -> str:
    """Return the text of one value. Raises TypeError when it is not of the column's kind."""
    match column.kind, value:
        case _, None:
            return NULL
        case "text", str():
            return value.replace("\\", "\\\\").replace(SEPARATOR, "\\p")
        case "boolean", bool():
            return "true" if value else "false"
        case "integer", int():
            return str(value)
        case "decimal", Decimal():
            return f"{value:.{column.scale}f}"
        case "timestamp", datetime():
            return str((value.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1))
        case "date", date():
            return str(value.toordinal() - date(1970, 1, 1).toordinal())
    raise TypeError(f"{column.name} must be of kind {column.kind}; got {value!r}")


def row_text(columns: Iterable[Column], values: Iterable[Value]) -> str:
    """Return the text of a row."""
    return SEPARATOR.join(text(column, value) for column, value in zip(columns, values, strict=True))


def table_hash(row_texts: Iterable[str]) -> int:
    """Return the hash of a table from the texts of its rows."""
    digests = (md5(row.encode(), usedforsecurity=False).digest() for row in row_texts)
    return sum(int.from_bytes(digest[:8], "big") for digest in digests) % MODULUS
