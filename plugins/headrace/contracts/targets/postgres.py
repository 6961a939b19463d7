"""Avro → PostgreSQL, spelled as `format_type` spells it.

- An enum becomes `text`: a new schema version may add symbols.
- Arrays, maps and records become `jsonb`; decimals and times inside them are text there.
- A `text` in PostgreSQL holds no NUL character; a row that has one is refused by the load.
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
    """The PostgreSQL type; whether it may be null is said by its column."""
    name = TYPES[type_name(avro_type)]
    match avro_type:
        case Decimal(precision, scale):
            return name.format(precision=precision, scale=scale)
    return name
