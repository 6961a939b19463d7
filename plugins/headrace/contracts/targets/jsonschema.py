"""Type mapping Avro → JSON Schema (draft 2020-12), which OpenAPI 3.1 also uses.

JSON form of values, without loss of digits:
- decimal: text with exactly `scale` digits after the point, e.g. `"12.50"`
- date: `"2024-02-29"`; time of day: `"23:59:59.999"` (millis) or `"23:59:59.999999"` (micros)
- instant: `"2024-02-29T23:59:59.999Z"` (millis) or `"2024-02-29T23:59:59.999999Z"` (micros), in UTC
- bytes and fixed: base64 text
- float and double: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`, for which JSON has no number
- long: a number; readers that only have doubles are exact up to 2^53
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TIME: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DATE: Final = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_NOT_FINITE: Final = {"enum": ["NaN", "Infinity", "-Infinity"]}

TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"anyOf": [{"type": "number", "format": "float"}, _NOT_FINITE]},
    "double": {"anyOf": [{"type": "number", "format": "double"}, _NOT_FINITE]},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "string": {"type": "string"},
    "decimal": {"type": "string", "format": "decimal"},
    "date": {"type": "string", "format": "date", "pattern": f"^{_DATE}$"},
    "time-millis": {"type": "string", "pattern": rf"^{_TIME}\.[0-9]{{3}}$"},
    "time-micros": {"type": "string", "pattern": rf"^{_TIME}\.[0-9]{{6}}$"},
    "timestamp-millis": {
        "type": "string",
        "format": "date-time",
        "pattern": rf"^{_DATE}T{_TIME}\.[0-9]{{3}}Z$",
    },
    "timestamp-micros": {
        "type": "string",
        "format": "date-time",
        "pattern": rf"^{_DATE}T{_TIME}\.[0-9]{{6}}Z$",
    },
    "uuid": {"type": "string", "format": "uuid"},
    "fixed": {"type": "string", "contentEncoding": "base64"},
    "enum": {"type": "string"},
    "array": {"type": "array"},
    "map": {"type": "object"},
    "record": {"type": "object", "additionalProperties": False},
}
"""Avro type name → the JSON Schema keywords that do not depend on parameters."""


def render(avro_type: AvroType, *, nullable: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of one value."""
    schema = {**TYPES[type_name(avro_type)], **_parameters(avro_type)}
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


def schema(record: Record) -> dict[str, Any]:
    """Return the JSON Schema of one row, with dialect and title. Every field is required."""
    return {"$schema": DIALECT, "title": record.name, **render(record)}


def _parameters(avro_type: AvroType) -> dict[str, Any]:
    match avro_type:
        case Decimal(precision, scale):
            return {"pattern": _decimal_pattern(precision, scale)}
        case Fixed(size=size):
            length = (size + 2) // 3 * 4
            return {"minLength": length, "maxLength": length}
        case Enum(symbols=symbols):
            return {"enum": list(symbols)}
        case Array(element, _, nullable):
            return {"items": render(element, nullable=nullable)}
        case Map(value, _, _, nullable):
            return {"additionalProperties": render(value, nullable=nullable)}
        case Record(fields=fields, doc=doc):
            return {
                **({"description": doc} if doc else {}),
                "properties": {field.name: _property(field) for field in fields},
                "required": [field.name for field in fields],
            }
        case _:
            return {}


def _property(field: Field) -> dict[str, Any]:
    doc = {"description": field.doc} if field.doc else {}
    return {**render(field.type, nullable=field.nullable), **doc}


def _decimal_pattern(precision: int, scale: int) -> str:
    whole = precision - scale
    digits = f"(0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
    return rf"^-?{digits}\.[0-9]{{{scale}}}$" if scale else f"^-?{digits}$"
