"""Render a field's default as a ClickHouse expression, for rows older than the column."""

from __future__ import annotations

import datetime as dt
from typing import Any

from headrace.contracts.avro_defaults import decoded
from headrace.contracts.targets import clickhouse
from headrace.contracts.types import MISSING, Array, Field, Fixed, Map, Primitive, Record
from headrace.planning.ddl import literal


def expression(field: Field) -> str | None:
    """Return the default; None when there is none, when it is null, or when ClickHouse cannot express it."""
    if field.default is MISSING or field.default is None:
        return None
    value = decoded(field.type, field.default)
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
            return f"unhex('{value.hex()}')"
        case Primitive(kind) if kind != "string":
            return str(value)
    return f"CAST({literal(_text(value))}, {literal(clickhouse.render(field.type))})"


def _text(value: Any) -> str:
    match value:
        case dt.datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S.%f")
        case dt.date():
            return value.isoformat()
    return str(value)
