"""Type mapping Avro → Iceberg (format version 2).

Iceberg times have microseconds: `time-millis` and `timestamp-millis` become `time` and `timestamptz` without loss. An
Avro timestamp is an instant, so it always becomes `timestamptz`. An enum becomes `string`.

Schemas are in Iceberg's JSON form, which `pyiceberg.schema.Schema.model_validate` and every REST catalog read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from headrace.contracts.types import (
    Array,
    AvroType,
    Decimal,
    Field,
    Fixed,
    Map,
    Record,
    type_name,
)

IcebergType: TypeAlias = str | dict[str, Any]
"""Iceberg's JSON form of a type: a name, or an object for struct, list and map."""

TYPES: Final[Mapping[str, str]] = {
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "bytes": "binary",
    "string": "string",
    "decimal": "decimal({precision}, {scale})",
    "date": "date",
    "time-millis": "time",
    "time-micros": "time",
    "timestamp-millis": "timestamptz",
    "timestamp-micros": "timestamptz",
    "uuid": "uuid",
    "fixed": "fixed[{size}]",
    "enum": "string",
    "array": "list",
    "map": "map",
    "record": "struct",
}
"""Avro type name → Iceberg type name."""


def render(avro_type: AvroType, *, all_optional: bool = False) -> IcebergType:
    """Return the Iceberg type with the contract's field ids. `all_optional` makes all nested fields optional too."""
    name = TYPES[type_name(avro_type)]
    match avro_type:
        case Decimal(precision, scale):
            return name.format(precision=precision, scale=scale)
        case Fixed(size=size):
            return name.format(size=size)
        case Array(element, element_id, nullable):
            return {
                "type": name,
                "element-id": element_id,
                "element": render(element, all_optional=all_optional),
                "element-required": not (nullable or all_optional),
            }
        case Map(value, key_id, value_id, nullable):
            return {
                "type": name,
                "key-id": key_id,
                "key": "string",
                "value-id": value_id,
                "value": render(value, all_optional=all_optional),
                "value-required": not (nullable or all_optional),
            }
        case Record(fields=fields):
            return {
                "type": name,
                "fields": [column(field, all_optional=all_optional) for field in fields],
            }
        case _:
            return name


def column(field: Field, *, all_optional: bool = False) -> dict[str, Any]:
    """Return one field in Iceberg's JSON form: id, name, required, type, doc."""
    return {
        "id": field.id,
        "name": field.name,
        "required": not (field.nullable or all_optional),
        "type": render(field.type, all_optional=all_optional),
        "doc": field.doc,
    }


def schema(record: Record, *, all_optional: bool = False) -> dict[str, Any]:
    """Return the record as an Iceberg schema in JSON form."""
    return {
        "type": "struct",
        "schema-id": 0,
        "fields": [column(field, all_optional=all_optional) for field in record.fields],
    }


def describe(iceberg_type: IcebergType) -> str:
    """Return the type as one line without ids, identical for a desired and an observed table.

    A catalog assigns new ids when it creates a table, so ids are not compared. Nested required fields are marked:
    `struct<city: string, zip: required int>`.
    """
    if isinstance(iceberg_type, str):
        return iceberg_type.replace(" ", "").replace(",", ", ")
    if iceberg_type["type"] == "list":
        return f"list<{_inner(iceberg_type, 'element')}>"
    if iceberg_type["type"] == "map":
        return f"map<{describe(iceberg_type['key'])}, {_inner(iceberg_type, 'value')}>"
    fields = (
        f"{field['name']}: {'required ' if field['required'] else ''}{describe(field['type'])}"
        for field in iceberg_type["fields"]
    )
    return f"struct<{', '.join(fields)}>"


def _inner(iceberg_type: Mapping[str, Any], part: str) -> str:
    required = "required " if iceberg_type[f"{part}-required"] else ""
    return f"{required}{describe(iceberg_type[part])}"
