"""Check and decode the default values of Avro fields."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from typing import Any, Final

from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    Timestamp,
    Uuid,
)

_INT: Final = (-(2**31), 2**31 - 1)
_LONG: Final = (-(2**63), 2**63 - 1)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY: Final = {"millis": 86_400_000, "micros": 86_400_000_000}
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECONDS: Final = {"millis": 1000, "micros": 1}


def decoded(avro_type: AvroType, value: Any) -> Any:
    """Return a valid default as a Python value: bytes, Decimal, date, datetime in UTC, or as written."""
    match avro_type:
        case Primitive("bytes") | Fixed():
            return value.encode("latin-1")
        case Decimal(scale=scale):
            unscaled = int.from_bytes(value.encode("latin-1"), "big", signed=True)
            return decimal.Decimal(unscaled).scaleb(-scale)
        case Date():
            return _EPOCH.date() + dt.timedelta(days=value)
        case Timestamp(unit):
            return _EPOCH + dt.timedelta(microseconds=value * _MICROSECONDS[unit])
    return value


def default_problem(avro_type: AvroType, value: Any) -> str | None:
    """Return why `value` is not a default of the type (a clause), or None when it is one."""
    if _fits(avro_type, value):
        return None
    return f"the default {value!r} is not {_wanted(avro_type)}"


def _fits(avro_type: AvroType, value: Any) -> bool:
    match avro_type:
        case Primitive(kind):
            return _fits_primitive(kind, value)
        case Date():
            return _is_int(value, _INT)
        case Time(unit):
            return _is_int(value, (0, _DAY[unit] - 1))
        case Timestamp():
            return _is_int(value, _LONG)
        case Uuid():
            return isinstance(value, str) and _UUID.fullmatch(value) is not None
        case Decimal():
            return _fits_decimal(avro_type, value)
        case Fixed(size=size):
            return _is_bytes(value, size)
        case Enum(symbols=symbols):
            return isinstance(value, str) and value in symbols
        case Array() | Map() | Record():
            return _fits_container(avro_type, value)


def _fits_container(avro_type: Array | Map | Record, value: Any) -> bool:
    match avro_type:
        case Array(element, _, nullable):
            return isinstance(value, list) and all(_fits_or_null(element, nullable, v) for v in value)
        case Map(item, _, _, nullable):
            return isinstance(value, dict) and all(_fits_or_null(item, nullable, v) for v in value.values())
        case Record(fields=fields):
            return (
                isinstance(value, dict)
                and value.keys() <= {f.name for f in fields}
                and all(
                    _fits_or_null(f.type, f.nullable, value[f.name]) if f.name in value else f.default is not MISSING
                    for f in fields
                )
            )


def _fits_primitive(kind: str, value: Any) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "int":
            return _is_int(value, _INT)
        case "long":
            return _is_int(value, _LONG)
        case "float" | "double":
            return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)
        case "bytes":
            return _is_bytes(value, None)
        case _:
            return isinstance(value, str)


def _fits_decimal(decimal: Decimal, value: Any) -> bool:
    """Return whether the value is the two's complement, big-endian, of an unscaled number in range."""
    if not value or not _is_bytes(value, decimal.fixed.size if decimal.fixed else None):
        return False
    unscaled = int.from_bytes(str(value).encode("latin-1"), "big", signed=True)
    limit: int = 10**decimal.precision
    return abs(unscaled) < limit


def _fits_or_null(avro_type: AvroType, nullable: bool, value: Any) -> bool:
    return (nullable and value is None) or _fits(avro_type, value)


def _is_int(value: object, bounds: tuple[int, int]) -> bool:
    return type(value) is int and bounds[0] <= value <= bounds[1]


def _is_bytes(value: Any, size: int | None) -> bool:
    """Return whether the value is Avro's JSON form of bytes: a string whose code points are the bytes."""
    if not isinstance(value, str) or any(ord(char) > 255 for char in value):
        return False
    return size is None or len(value) == size


def _wanted(avro_type: AvroType) -> str:
    match avro_type:
        case Primitive(kind):
            return f"a value of type {kind}"
        case Enum(symbols=symbols):
            return f"one of {', '.join(symbols)}"
        case Fixed(size=size):
            return f"a string of {size} characters up to U+00FF"
        case Decimal(precision=precision):
            return f"a string of the bytes of an unscaled number of at most {precision} digits"
        case Time() | Date() | Timestamp():
            return "a whole number in range"
        case Uuid():
            return "a UUID of 36 characters"
        case _:
            return f"a valid {type(avro_type).__name__.lower()}"
