"""Type mapping Avro → ClickHouse, in the spelling of `system.columns`.

- An enum becomes `LowCardinality(String)`, not `Enum8`. A new schema version may add symbols while the stream runs, and
  inserts must not fail until the table is altered.
- `date` becomes `Date32`, not `Date`, which holds 1970 to 2149. `Date32` holds only 1900-01-01 to 2299-12-31, and
  `DateTime64` shows only the years 1 to 9999. A record with a value outside is a dead letter of the stream
  (`systems.warehouse.arrow_ranges`).
- A time of day becomes its Avro number: `Int32` milliseconds, `Int64` microseconds since midnight.
- ClickHouse has no nullable Array, Map or Tuple, so null and empty would become the same. A contract that is served
  from ClickHouse must not have one (rule `nullable-container`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.contracts.types import (
    Array,
    AvroType,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Record,
    type_name,
)

TYPES: Final[Mapping[str, str]] = {
    "boolean": "Bool",
    "int": "Int32",
    "long": "Int64",
    "float": "Float32",
    "double": "Float64",
    "bytes": "String",
    "string": "String",
    "decimal": "Decimal({precision}, {scale})",
    "date": "Date32",
    "time-millis": "Int32",
    "time-micros": "Int64",
    "timestamp-millis": "DateTime64(3, 'UTC')",
    "timestamp-micros": "DateTime64(6, 'UTC')",
    "uuid": "UUID",
    "fixed": "FixedString({size})",
    "enum": "LowCardinality({inner})",
    "array": "Array({inner})",
    "map": "Map(String, {inner})",
    "record": "Tuple({inner})",
}
"""Avro type name → ClickHouse type."""

UNITS: Final[Mapping[str, str]] = {
    "time-millis": "milliseconds since midnight",
    "time-micros": "microseconds since midnight",
}
"""Unit of a number whose type does not show it, for the column's comment."""

CONTAINERS: Final = (Array, Map, Record)
"""Types that ClickHouse cannot make nullable."""


def render(avro_type: AvroType, *, nullable: bool = False) -> str:
    """Return the ClickHouse type. `nullable` has no effect on an array, map or record."""
    name = TYPES[type_name(avro_type)]
    match avro_type:
        case Enum():
            return name.format(inner="Nullable(String)" if nullable else "String")
        case Array(element, _, element_nullable):
            return name.format(inner=render(element, nullable=element_nullable))
        case Map(value, _, _, value_nullable):
            return name.format(inner=render(value, nullable=value_nullable))
        case Record(fields=fields):
            return name.format(inner=", ".join(f"{f.name} {column_type(f)}" for f in fields))
        case Decimal(precision, scale):
            name = name.format(precision=precision, scale=scale)
        case Fixed(size=size):
            name = name.format(size=size)
    return f"Nullable({name})" if nullable else name


def column_type(field: Field) -> str:
    """Return the type of a field's column."""
    return render(field.type, nullable=field.nullable)


def comment(field: Field) -> str:
    """Return the column's comment: the field's doc, with the unit when the type does not show it."""
    unit = UNITS.get(type_name(field.type))
    return f"{field.doc} ({unit})" if unit else field.doc
