"""Type mapping Avro → Spark SQL.

The types are those of Spark's `from_avro`, so a decoded record needs no cast: a time of day stays its Avro number
(milliseconds or microseconds since midnight), uuid and enum are text, and a fixed is binary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from headrace.contracts.types import (
    Array,
    AvroType,
    Decimal,
    Field,
    Map,
    Record,
    type_name,
)

SparkType: TypeAlias = str | dict[str, Any]
"""Spark's JSON form of a type: a name, or an object for struct, array and map."""

TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "boolean": ("BOOLEAN", "boolean"),
    "int": ("INT", "integer"),
    "long": ("BIGINT", "long"),
    "float": ("FLOAT", "float"),
    "double": ("DOUBLE", "double"),
    "bytes": ("BINARY", "binary"),
    "string": ("STRING", "string"),
    "decimal": ("DECIMAL({precision},{scale})", "decimal({precision},{scale})"),
    "date": ("DATE", "date"),
    "time-millis": ("INT", "integer"),
    "time-micros": ("BIGINT", "long"),
    "timestamp-millis": ("TIMESTAMP", "timestamp"),
    "timestamp-micros": ("TIMESTAMP", "timestamp"),
    "uuid": ("STRING", "string"),
    "fixed": ("BINARY", "binary"),
    "enum": ("STRING", "string"),
    "array": ("ARRAY<{inner}>", "array"),
    "map": ("MAP<STRING, {inner}>", "map"),
    "record": ("STRUCT<{inner}>", "struct"),
}
"""Avro type name → (name in DDL, name in Spark's JSON)."""


def render(avro_type: AvroType) -> str:
    """Return the type in DDL. DDL cannot declare that an element or a map value is never null."""
    name = TYPES[type_name(avro_type)][0]
    match avro_type:
        case Decimal(precision, scale):
            return name.format(precision=precision, scale=scale)
        case Array(inner) | Map(inner):
            return name.format(inner=render(inner))
        case Record(fields=fields):
            return name.format(inner=", ".join(_column(field, ":") for field in fields))
        case _:
            return name


def ddl(record: Record) -> str:
    """Return the record as a column list for `CREATE TABLE` and `from_json`."""
    return ", ".join(_column(field, "") for field in record.fields)


def struct(record: Record) -> dict[str, Any]:
    """Return the record in Spark's JSON form, for `StructType.fromJson`."""
    fields = [
        {
            "name": field.name,
            "type": json_type(field.type),
            "nullable": field.nullable,
            "metadata": {"comment": field.doc} if field.doc else {},
        }
        for field in record.fields
    ]
    return {"type": "struct", "fields": fields}


def json_type(avro_type: AvroType) -> SparkType:
    """Return the type in Spark's JSON form."""
    name = TYPES[type_name(avro_type)][1]
    match avro_type:
        case Decimal(precision, scale):
            return name.format(precision=precision, scale=scale)
        case Array(element, _, nullable):
            return {"type": name, "elementType": json_type(element), "containsNull": nullable}
        case Map(value, _, _, nullable):
            return {
                "type": name,
                "keyType": "string",
                "valueType": json_type(value),
                "valueContainsNull": nullable,
            }
        case Record():
            return struct(avro_type)
        case _:
            return name


def _column(field: Field, colon: str) -> str:
    required = "" if field.nullable else " NOT NULL"
    comment = f" COMMENT {_quote(field.doc)}" if field.doc else ""
    return f"`{field.name}`{colon} {render(field.type)}{required}{comment}"


def _quote(text: str) -> str:
    """Return a Spark SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
