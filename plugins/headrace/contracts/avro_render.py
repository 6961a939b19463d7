"""Render a `Record` as an Avro schema for the schema registry (event topics)."""

from __future__ import annotations

from typing import Any, Final

from headrace.contracts.avro import LOGICAL
from headrace.contracts.contract import Contract
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    Timestamp,
    Uuid,
)

LOGICAL_NAMES: Final = {avro_type: names for names, avro_type in LOGICAL.items()}
"""Type → (Avro type, logicalType)."""


def avro_schema(record: Record) -> dict[str, Any]:
    """Return the Avro schema as JSON data. `avro.parse_avsc` of its text returns the same record."""
    return _record(record, "", set())


def key_schema(contract: Contract) -> dict[str, Any]:
    """Return the Avro schema of the message key: a record of the key's fields, named `<Name>Key`."""
    record = contract.record
    name = f"{record.name}Key"
    doc = f"Key of {record.name}."
    return avro_schema(Record(name, record.namespace, doc, contract.key_fields))


def _record(record: Record, namespace: str, seen: set[str]) -> dict[str, Any]:
    return {
        "type": "record",
        "name": record.name,
        **_namespace(record.namespace, namespace),
        **({"doc": record.doc} if record.doc else {}),
        "fields": [_field(field, record.namespace, seen) for field in record.fields],
    }


def _namespace(own: str, outer: str) -> dict[str, Any]:
    return {"namespace": own} if own != outer else {}


def _field(field: Field, namespace: str, seen: set[str]) -> dict[str, Any]:
    inner = _type(field.type, namespace, seen)
    avro_type: Any = inner
    if field.nullable:
        avro_type = ["null", inner] if field.default is None else [inner, "null"]
    default = {} if field.default is MISSING else {"default": field.default}
    return {
        "name": field.name,
        "field-id": field.id,
        "type": avro_type,
        **default,
        "doc": field.doc,
    }


def _type(avro_type: AvroType, namespace: str, seen: set[str]) -> Any:
    match avro_type:
        case Primitive(kind):
            return kind
        case Date() | Time() | Timestamp() | Uuid():
            carrier, logical = LOGICAL_NAMES[avro_type]
            return {"type": carrier, "logicalType": logical}
        case Decimal():
            return _decimal(avro_type, namespace, seen)
        case Fixed() | Enum():
            return _named(avro_type, namespace, seen)
        case Array(element, element_id, nullable):
            items = _maybe(element, nullable, namespace, seen)
            return {"type": "array", "items": items, "element-id": element_id}
        case Map(value, key_id, value_id, nullable):
            values = _maybe(value, nullable, namespace, seen)
            return {"type": "map", "values": values, "key-id": key_id, "value-id": value_id}
        case Record():
            return _record(avro_type, namespace, seen)


def _decimal(decimal: Decimal, namespace: str, seen: set[str]) -> Any:
    parameters = {
        "logicalType": "decimal",
        "precision": decimal.precision,
        "scale": decimal.scale,
    }
    if decimal.fixed is None:
        return {"type": "bytes", **parameters}
    fixed = _named(decimal.fixed, namespace, seen)
    return fixed if isinstance(fixed, str) else {**fixed, **parameters}


def _maybe(avro_type: AvroType, nullable: bool, namespace: str, seen: set[str]) -> Any:
    inner = _type(avro_type, namespace, seen)
    return ["null", inner] if nullable else inner


def _named(named: Fixed | Enum, namespace: str, seen: set[str]) -> Any:
    """Return the definition at first use, and the name after that, as Avro requires."""
    full = f"{named.namespace}.{named.name}" if named.namespace else named.name
    if full in seen:
        return full
    seen.add(full)
    head = {"name": named.name, **_namespace(named.namespace, namespace)}
    if isinstance(named, Fixed):
        return {"type": "fixed", **head, "size": named.size}
    doc = {"doc": named.doc} if named.doc else {}
    default = {} if named.default is None else {"default": named.default}
    return {"type": "enum", **head, **doc, "symbols": list(named.symbols), **default}
