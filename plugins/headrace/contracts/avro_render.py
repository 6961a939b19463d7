"""Write a `Record` as an Avro schema: what a registry holds for an event topic."""

from __future__ import annotations

from typing import Any

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


def avro_schema(record: Record) -> dict[str, Any]:
    """The Avro schema as JSON data; `avro.parse_avsc` of its text gives the record again."""
    return _record(record, "", set())


def key_schema(contract: Contract) -> dict[str, Any]:
    """The Avro schema of the message key: a record of the key's fields, `<Name>Key`."""
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
        case Date():
            return {"type": "int", "logicalType": "date"}
        case Time(unit):
            carrier = "int" if unit == "millis" else "long"
            return {"type": carrier, "logicalType": f"time-{unit}"}
        case Timestamp(unit):
            return {"type": "long", "logicalType": f"timestamp-{unit}"}
        case Uuid():
            return {"type": "string", "logicalType": "uuid"}
        case Decimal(precision, scale, fixed):
            carrier_type = _named(fixed, namespace, seen) if fixed else {"type": "bytes"}
            if isinstance(carrier_type, str):
                return carrier_type
            parameters = {"logicalType": "decimal", "precision": precision, "scale": scale}
            return {**carrier_type, **parameters}
        case Fixed() | Enum():
            return _named(avro_type, namespace, seen)
        case Array(element, element_id, nullable):
            items = _maybe(_type(element, namespace, seen), nullable)
            return {"type": "array", "items": items, "element-id": element_id}
        case Map(value, key_id, value_id, nullable):
            values = _maybe(_type(value, namespace, seen), nullable)
            return {"type": "map", "values": values, "key-id": key_id, "value-id": value_id}
        case Record():
            return _record(avro_type, namespace, seen)


def _maybe(inner: Any, nullable: bool) -> Any:
    return ["null", inner] if nullable else inner


def _named(named: Fixed | Enum, namespace: str, seen: set[str]) -> Any:
    """The definition at first use; after that Avro allows the name only."""
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
