"""A field's default as a ClickHouse expression: what rows older than the column read as."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, Final

from headrace.contracts.targets import clickhouse
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Date,
    Decimal,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Timestamp,
)
from headrace.planning.ddl import literal

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECONDS: Final = {"millis": 1000, "micros": 1}


def expression(field: Field) -> str | None:
    """The default, or None when there is none, it is null, or ClickHouse cannot express it."""
    if field.default is MISSING or field.default is None:
        return None
    value = field.default
    match field.type:
        case Record():
            return None
        case Array() | Map() if value:
            return None
        case Array():
            return "[]"
        case Map():
            return "map()"
        case Primitive("boolean"):
            return "true" if value else "false"
        case Primitive("bytes") | Fixed():
            return f"unhex('{value.encode('latin-1').hex()}')"
        case Primitive(kind) if kind != "string":
            return str(value)
    return f"CAST({literal(_text(field.type, value))}, {literal(clickhouse.render(field.type))})"


def _text(avro_type: AvroType, value: Any) -> str:
    match avro_type:
        case Decimal(scale=scale):
            unscaled = int.from_bytes(value.encode("latin-1"), "big", signed=True)
            return str(decimal.Decimal(unscaled).scaleb(-scale))
        case Date():
            return (_EPOCH.date() + dt.timedelta(days=value)).isoformat()
        case Timestamp(unit):
            instant = _EPOCH + dt.timedelta(microseconds=value * _MICROSECONDS[unit])
            return instant.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)
