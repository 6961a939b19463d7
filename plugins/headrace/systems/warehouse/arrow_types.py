"""Mapping of ClickHouse types, as in `system.columns`, to the Arrow types that are inserted into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, NamedTuple

import pyarrow as pa


class Wanted(NamedTuple):
    """Arrow type and nullability of a column."""

    type: pa.DataType
    nullable: bool


SIMPLE: Final[Mapping[str, pa.DataType]] = {
    "Bool": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "String": pa.string(),
    "UUID": pa.string(),
    "Date": pa.date32(),
    "Date32": pa.date32(),
    "DateTime": pa.timestamp("s", "UTC"),
}
"""ClickHouse type without arguments → Arrow type. A UUID is inserted as text, which ClickHouse parses."""

UNITS: Final[Mapping[str, str]] = {"0": "s", "3": "ms", "6": "us", "9": "ns"}

_CALL: Final = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)


@cache
def wanted(type_name: str) -> Wanted:
    """Return the Arrow type and nullability of a ClickHouse type. Raises ValueError for a type without inserts."""
    match = _CALL.fullmatch(type_name.strip())
    if match is None:
        raise ValueError(f"{type_name!r} is not a ClickHouse type")
    name, inner = match.group(1), match.group(2) or ""
    if name in SIMPLE:
        return Wanted(SIMPLE[name], False)
    if name == "Nullable":
        return Wanted(wanted(inner).type, True)
    if name in ("LowCardinality", "SimpleAggregateFunction"):
        return wanted(arguments(inner)[-1])
    make = CONTAINERS.get(name)
    if make is None:
        raise ValueError(f"nothing is inserted into the ClickHouse type {type_name}")
    return Wanted(make(arguments(inner)), False)


def arguments(text: str) -> list[str]:
    """Return the comma-separated arguments of a type; nested arguments stay whole."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character in "'`":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _element(type_name: str) -> pa.Field:
    type_, nullable = wanted(type_name)
    return pa.field("item", type_, nullable)


def _member(text: str) -> pa.Field:
    name, _, type_name = text.partition(" ")
    type_, nullable = wanted(type_name)
    return pa.field(name.strip("`"), type_, nullable)


def _map(args: list[str]) -> pa.DataType:
    value = wanted(args[1])
    return pa.map_(wanted(args[0]).type, pa.field("value", value.type, value.nullable))


CONTAINERS: Final[Mapping[str, Callable[[list[str]], pa.DataType]]] = {
    "Decimal": lambda args: (pa.decimal128 if int(args[0]) <= 38 else pa.decimal256)(int(args[0]), int(args[1])),
    "DateTime64": lambda args: pa.timestamp(UNITS[args[0]], "UTC"),
    "FixedString": lambda args: pa.binary(int(args[0])),
    "Array": lambda args: pa.list_(_element(args[0])),
    "Map": _map,
    "Tuple": lambda args: pa.struct([_member(arg) for arg in args]),
}
"""ClickHouse type with arguments → function that returns its Arrow type."""
