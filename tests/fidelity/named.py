"""A key as the dead letter of a source names it: `name=value, name=value`, whole. Pure."""

from __future__ import annotations

from typing import Final

from tests.fidelity.changes import Key
from tests.fidelity.exact import Exact
from tests.fidelity.gregorian import DAY_MICROS, civil
from tests.fidelity.tables import Column, Table

SPECIAL: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def named(table: Table, key: Key) -> str:
    """The key as the dead letter's header `key` has it."""
    return ", ".join(f"{column.name}={_text(column, value)}" for column, value in zip(table.key, key, strict=True))


def _text(column: Column, value: Exact) -> str:
    match column.kind.form, value:
        case "boolean", bool():
            return str(value).lower()
        case "decimal", (int(number), int(scale)):
            return _decimal(number, scale, column.kind.avro["scale"])
        case "decimal", str():
            return SPECIAL[value]
        case "date", int():
            return _day(value)
        case "instant", int():
            return _instant(value, 3 if column.kind.avro["logicalType"] == "timestamp-millis" else 6)
        case "bytes", bytes():
            return f"\\x{value.hex()}"
        case _:
            return str(value)


def _decimal(number: int, scale: int, shown: int) -> str:
    digits = str(abs(number) * 10 ** (shown - scale)).rjust(shown + 1, "0")
    whole, part = (digits[:-shown], f".{digits[-shown:]}") if shown else (digits, "")
    return f"{'-' if number < 0 else ''}{whole}{part}"


def _day(number: int) -> str:
    """ISO 8601 as Java writes it: a sign before a year with more than four digits, year 0 is 1 BC."""
    year, month, day = civil(number)
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"+{year}" if year > 0 else f"-{-year:04d}"
    return f"{shown}-{month:02d}-{day:02d}"


def _instant(number: int, digits: int) -> str:
    date, rest = divmod(number, DAY_MICROS)
    seconds, fraction = divmod(rest, 1_000_000)
    time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{_day(date)}T{time}.{f'{fraction:06d}'[:digits]}Z"
