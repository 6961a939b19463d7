"""Encode a contract as compact JSON data for the index, and decode it.

A type is encoded as its name, or as a list of its name and its parts in the order of the dataclass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.contracts.contract import Contract, Maintenance, Need, Reference, Role, Rule, Source
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
    type_name,
)

_PLAIN: Final[Mapping[str, AvroType]] = {
    type_name(plain): plain
    for plain in (
        Primitive("boolean"),
        Primitive("int"),
        Primitive("long"),
        Primitive("float"),
        Primitive("double"),
        Primitive("bytes"),
        Primitive("string"),
        Date(),
        Time("millis"),
        Time("micros"),
        Timestamp("millis"),
        Timestamp("micros"),
        Uuid(),
    )
}


def encode_contract(contract: Contract) -> dict[str, Any]:
    """Return the contract as JSON data."""
    return {
        **{name: getattr(contract, name) for name in _AS_IS},
        "record": encode_type(contract.record),
        "key": list(contract.key),
        "zones": list(contract.zones),
        "tokenised": list(contract.tokenised),
        "outdated": list(contract.outdated),
        "source": dataclasses.asdict(contract.source),
        "maintenance": list(_parts(contract.maintenance)),
        "needs": [list(_parts(need)) for need in contract.needs],
        "classifications": dict(contract.classifications),
        "roles": [list(_parts(role)) for role in contract.roles],
        "quality": [list(_parts(rule)) for rule in contract.quality],
        "references": [list(_parts(reference)) for reference in contract.references],
    }


def decode_contract(data: Mapping[str, Any]) -> Contract:
    """Return the contract that `encode_contract` encoded."""
    record = decode_type(data["record"])
    assert isinstance(record, Record)
    return Contract(
        # A part that the version which wrote the data did not have keeps its default.
        **{name: data[name] for name in _AS_IS if name in data},
        record=record,
        key=tuple(data["key"]),
        zones=tuple(data["zones"]),
        tokenised=tuple(data["tokenised"]),
        outdated=tuple(data.get("outdated", ())),
        source=_decode_source(data["source"]),
        maintenance=Maintenance(*data["maintenance"]),
        needs=tuple(Need(*need) for need in data["needs"]),
        classifications=data["classifications"],
        roles=tuple(Role(*role) for role in data["roles"]),
        quality=tuple(Rule(*rule) for rule in data["quality"]),
        references=tuple(Reference(n, tuple(fields), d, tuple(to), s) for n, fields, d, to, s in data["references"]),
    )


def _decode_source(data: Any) -> Source:
    if isinstance(data, list):  # as 0.1 wrote it: kind, connection, table
        from headrace.contracts.sources import source  # DAG files import this module, and need no checks

        kind, connection, table = data
        value = {
            "kind": kind,
            **({"connection": connection} if connection else {}),
            **({"table": table} if table else {}),
        }
        return source(value)
    return Source(**{**data, "idempotency": tuple(data["idempotency"])})


_AS_IS: Final = (
    "id",
    "domain",
    "name",
    "version",
    "owner",
    "serving",
    "partitions",
    "compatibility",
    "stream_group",
    "freshness_s",
    "event_time",
    "refine_every_s",
    "path",
)
"""Attributes of a contract that need no encoding."""


def encode_type(avro_type: AvroType) -> Any:
    """Return the type as JSON data."""
    name = type_name(avro_type)
    match avro_type:
        case Decimal(precision, scale, fixed):
            return [name, precision, scale, encode_type(fixed) if fixed else None]
        case Fixed() | Enum():
            return [name, *_parts(avro_type)]
        case Array(element, element_id, nullable):
            return [name, encode_type(element), element_id, nullable]
        case Map(value, key_id, value_id, nullable):
            return [name, encode_type(value), key_id, value_id, nullable]
        case Record(record_name, namespace, doc, fields):
            return [name, record_name, namespace, doc, [_encode_field(field) for field in fields]]
        case _:
            return name


def decode_type(data: Any) -> AvroType:
    """Return the type that `encode_type` encoded."""
    if isinstance(data, str):
        return _PLAIN[data]
    return _DECODERS[data[0]](*data[1:])


def _decode_decimal(precision: int, scale: int, fixed: Any) -> Decimal:
    return Decimal(precision, scale, Fixed(*fixed[1:]) if fixed else None)


def _decode_enum(name: str, symbols: list[str], *rest: Any) -> Enum:
    return Enum(name, tuple(symbols), *rest)


def _decode_array(element: Any, *rest: Any) -> Array:
    return Array(decode_type(element), *rest)


def _decode_map(value: Any, *rest: Any) -> Map:
    return Map(decode_type(value), *rest)


def _decode_record(name: str, namespace: str, doc: str, fields: list[Any]) -> Record:
    return Record(name, namespace, doc, tuple(_decode_field(field) for field in fields))


_DECODERS: Final[Mapping[str, Callable[..., AvroType]]] = {
    "decimal": _decode_decimal,
    "fixed": Fixed,
    "enum": _decode_enum,
    "array": _decode_array,
    "map": _decode_map,
    "record": _decode_record,
}


def _encode_field(field: Field) -> list[Any]:
    """Encode a field. The default comes last, and is omitted when there is none."""
    parts = [field.name, field.id, encode_type(field.type), field.nullable, field.doc]
    return parts if field.default is MISSING else [*parts, field.default]


def _decode_field(data: list[Any]) -> Field:
    name, identity, avro_type, *rest = data
    return Field(name, identity, decode_type(avro_type), *rest)


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, part.name) for part in dataclasses.fields(value))
