"""Rows in the forms of the systems they pass through, and back.

`convert` walks a value along its type and changes each single value by the target's function for
its type; `same` compares rows so that NaN equals NaN.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from headrace.contracts.types import Array, AvroType, Decimal, Map, Record, Time, Timestamp, type_name

Change = Callable[[AvroType, Any], Any]
Changes = Mapping[str, Change]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def convert(avro_type: AvroType, value: Any, changes: Changes) -> Any:
    """The value with every single value in it changed; null stays null."""
    if value is None:
        return None
    match avro_type:
        case Record(fields=fields):
            return {field.name: convert(field.type, value[field.name], changes) for field in fields}
        case Array(element):
            return [convert(element, item, changes) for item in value]
        case Map(inner):
            pairs = dict(value).items()
            return {_key(key): convert(inner, item, changes) for key, item in pairs}
    change = changes.get(type_name(avro_type))
    return change(avro_type, value) if change else value


def _key(key: str | bytes) -> str:
    """A map's key; a client that is told to read bytes gives bytes."""
    return key.decode() if isinstance(key, bytes) else key


def same(first: Any, second: Any) -> bool:
    """Equal, with NaN equal to itself and the same types of numbers."""
    return _comparable(first) == _comparable(second)


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return (type(value).__name__, value) if isinstance(value, bool | int | float) else value


def micros(time: dt.time) -> int:
    """Microseconds since midnight."""
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond


def _time_of(total: int) -> dt.time:
    return (EPOCH + dt.timedelta(microseconds=total)).time()


def _floating(_: AvroType, value: float) -> Any:
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return "NaN" if math.isnan(value) else names.get(value, value)


def _iso_time(avro_type: AvroType, value: dt.time) -> str:
    return value.isoformat("milliseconds" if avro_type == Time("millis") else "microseconds")


def iso_instant(avro_type: AvroType, value: dt.datetime) -> str:
    digits = "milliseconds" if avro_type == Timestamp("millis") else "microseconds"
    return value.isoformat(timespec=digits).replace("+00:00", "Z")


def from_iso_instant(_: AvroType, value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


def _base64(_: AvroType, value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _plain_decimal(avro_type: AvroType, value: decimal.Decimal) -> str:
    """Without exponent, with exactly the scale's digits; zero has no sign."""
    assert isinstance(avro_type, Decimal)
    text = format(value, "f")
    return text.lstrip("-") if not value else text


TO_JSON: Changes = {
    "float": _floating,
    "double": _floating,
    "bytes": _base64,
    "fixed": _base64,
    "decimal": _plain_decimal,
    "date": lambda _, value: value.isoformat(),
    "time-millis": _iso_time,
    "time-micros": _iso_time,
    "timestamp-millis": iso_instant,
    "timestamp-micros": iso_instant,
    "uuid": lambda _, value: str(value),
}
FROM_JSON: Changes = {
    "float": lambda _, value: float(value),
    "double": lambda _, value: float(value),
    "bytes": lambda _, value: base64.b64decode(value),
    "fixed": lambda _, value: base64.b64decode(value),
    "decimal": lambda _, value: decimal.Decimal(value),
    "date": lambda _, value: dt.date.fromisoformat(value),
    "time-millis": lambda _, value: dt.time.fromisoformat(value),
    "time-micros": lambda _, value: dt.time.fromisoformat(value),
    "timestamp-millis": from_iso_instant,
    "timestamp-micros": from_iso_instant,
    "uuid": lambda _, value: uuid.UUID(value),
}
"""JSON as `targets.jsonschema` documents it."""

TO_ARROW: Changes = {"uuid": lambda _, value: value.bytes}
FROM_ARROW: Changes = {"uuid": lambda _, value: uuid.UUID(bytes=value)}
"""Arrow's and Parquet's storage of a UUID."""

TO_NUMBERS: Changes = {
    "time-millis": lambda _, value: micros(value) // 1000,
    "time-micros": lambda _, value: micros(value),
    "uuid": lambda _, value: str(value),
}
FROM_NUMBERS: Changes = {
    "time-millis": lambda _, value: _time_of(value * 1000),
    "time-micros": lambda _, value: _time_of(value),
    "uuid": lambda _, value: uuid.UUID(value),
}
"""Spark: times of day as their Avro numbers, uuid as text."""

TO_CONNECT: Changes = {
    "date": lambda _, value: (value - EPOCH.date()).days,
    "timestamp-millis": iso_instant,
    "timestamp-micros": iso_instant,
    "uuid": lambda _, value: str(value),
}
FROM_CONNECT: Changes = {
    "date": lambda _, value: EPOCH.date() + dt.timedelta(days=value),
    "timestamp-millis": from_iso_instant,
    "timestamp-micros": from_iso_instant,
    "uuid": lambda _, value: uuid.UUID(value),
}
"""Debezium: days, and instants as text."""
