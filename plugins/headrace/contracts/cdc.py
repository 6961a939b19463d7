"""Types that the way through Kafka changes, each with the reason.

A contract may only use types that its whole chain preserves: PostgreSQL → Debezium → Iceberg and ClickHouse for a cdc
source, a producer's Avro → Iceberg and ClickHouse for another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Decimal,
    Enum,
    Map,
    Record,
    type_name,
)

UNFAITHFUL: Final[Mapping[str, tuple[str, str]]] = {
    "time-millis": (
        "the Iceberg sink reads every time of day as milliseconds, and Debezium sends microseconds",
        "keep it in PostgreSQL as int milliseconds, or as text",
    ),
    "time-micros": (
        "the Iceberg sink reads every time of day as milliseconds, and Debezium sends microseconds",
        "keep it in PostgreSQL as bigint microseconds, or as text",
    ),
    "fixed": ("PostgreSQL has no bytes of fixed length", "use bytes"),
    "map": ("Debezium sends an hstore as JSON text", "use string, or a table of its own"),
    "record": ("Debezium sends no composite columns", "use columns, or a table of its own"),
}
"""Avro type name → (why CDC does not support it, what to do)."""

_FIXED_DECIMAL: Final = ("Debezium sends every numeric as bytes", "put the decimal on bytes")
_NESTED_ARRAY: Final = (
    "PostgreSQL does not declare the number of dimensions of an array",
    "use one array, or a table of its own",
)
_ENUM_ARRAY: Final = (
    "Debezium sends no null inside an array of an enumerated type",
    "use an array of text in PostgreSQL, and of string here",
)
_NULL_WITH_DEFAULT: Final = (
    "Kafka Connect replaces each null by the default",
    "make the column NOT NULL, or drop its default in PostgreSQL and here",
)
_ARRAY_ELEMENT: Final = (
    "elements of a PostgreSQL array may always be null",
    'give the array "items": ["null", …]',
)


def unfaithful(record: Record) -> Iterator[tuple[str, str, str, str]]:
    """Yield each field that the chain would change: (field, what, why, what to do)."""
    for field in record.fields:
        if field.nullable and field.default is not MISSING and field.default is not None:
            why, instead = _NULL_WITH_DEFAULT
            yield field.name, "a nullable field with a default", why, instead
        for what, (why, instead) in _faults(field.type):
            yield field.name, what, why, instead


def unreadable(record: Record) -> Iterator[tuple[str, str, str]]:
    """Yield each field of a producer's record that Kafka Connect cannot read: (path, why, what to do)."""
    for field in record.fields:
        yield from ((f"{field.name}{rest}", why, instead) for rest, why, instead in _unreadable_inside(field.type))


def _unreadable_inside(avro_type: AvroType) -> Iterator[tuple[str, str, str]]:
    match avro_type:
        case Decimal(fixed=fixed) if fixed is not None:
            yield "", "Kafka Connect cannot read a decimal on fixed", "put the decimal on bytes"
        case Array(element):
            yield from ((f"[]{rest}", why, instead) for rest, why, instead in _unreadable_inside(element))
        case Map(value):
            yield from ((f"{{}}{rest}", why, instead) for rest, why, instead in _unreadable_inside(value))
        case Record():
            yield from ((f".{path}", why, instead) for path, why, instead in unreadable(avro_type))


def _faults(avro_type: AvroType) -> Iterator[tuple[str, tuple[str, str]]]:
    name = type_name(avro_type)
    if name in UNFAITHFUL:
        yield name, UNFAITHFUL[name]
    match avro_type:
        case Decimal(fixed=fixed) if fixed is not None:
            yield "a decimal on fixed", _FIXED_DECIMAL
        case Array(element=Array()):
            yield "an array of arrays", _NESTED_ARRAY
        case Array(element=Enum()):
            yield "an array of enum", _ENUM_ARRAY
        case Array(element, _, nullable):
            if not nullable:
                yield "an array of elements that are never null", _ARRAY_ELEMENT
            yield from _faults(element)
