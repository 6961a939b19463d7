"""Type mapping Avro → PostgreSQL, in the spelling of `format_type`.

- An enum becomes `text`, because a new schema version may add symbols.
- Arrays, maps and records become `jsonb`. Decimals and times inside them become text.
- PostgreSQL `text` holds no NUL character. The load refuses a row that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.contracts.types import AvroType, Decimal, type_name

TYPES: Final[Mapping[str, str]] = {
    "boolean": "boolean",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "bytes": "bytea",
    "string": "text",
    "decimal": "numeric({precision},{scale})",
    "date": "date",
    "time-millis": "time without time zone",
    "time-micros": "time without time zone",
    "timestamp-millis": "timestamp with time zone",
    "timestamp-micros": "timestamp with time zone",
    "uuid": "uuid",
    "fixed": "bytea",
    "enum": "text",
    "array": "jsonb",
    "map": "jsonb",
    "record": "jsonb",
}
"""Avro type name → PostgreSQL type."""


def render(avro_type: AvroType) -> str:
    """Return the PostgreSQL type. Nullability is set on the column."""
    name = TYPES[type_name(avro_type)]
    match avro_type:
        case Decimal(precision, scale):
            return name.format(precision=precision, scale=scale)
    return name
