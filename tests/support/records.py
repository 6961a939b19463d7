"""Random records of every type, and random rows of a record (Hypothesis strategies).

A row is a dict of the Python values that fastavro decodes to: Decimal, date, time, aware datetime,
UUID, bytes.
"""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from headrace.contracts.types import (
    TYPE_NAMES,
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

MAX_DEPTH = 2
BY_CDC = tuple(name for name in TYPE_NAMES if name not in {"time-millis", "time-micros", "fixed", "map", "record"})


CONTAINERS = frozenset({"array", "map", "record"})


@dataclass(slots=True)
class _Numbers:
    """Ids and names that are new in the record."""

    nullable_containers: bool
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))


@st.composite
def records(draw: st.DrawFn, names: Collection[str] = TYPE_NAMES, *, nullable_containers: bool = True) -> Record:
    """A record with at least one field of each of the named types, plain or nullable."""
    numbers = _Numbers(nullable_containers)
    order = draw(st.permutations([*names, *draw(st.lists(st.sampled_from(sorted(names)), max_size=3))]))
    return _record(draw, "Row", order, numbers, 0, sorted(names))


def _record(
    draw: st.DrawFn, name: str, order: Collection[str], numbers: _Numbers, depth: int, names: list[str]
) -> Record:
    fields = tuple(_field(draw, type_name, numbers, depth, names) for type_name in order)
    return Record(name, "shop", draw(st.text(max_size=5)), fields)


def _field(draw: st.DrawFn, type_name: str, numbers: _Numbers, depth: int, names: list[str]) -> Field:
    number = next(numbers.ids)
    avro_type = _type(draw, type_name, numbers, depth, names)
    doc = draw(st.text(min_size=1, max_size=8).filter(str.strip))
    if draw(st.booleans()) and (numbers.nullable_containers or type_name not in CONTAINERS):
        return Field(f"f{number}", number, avro_type, nullable=True, doc=doc, default=None)
    return Field(f"f{number}", number, avro_type, doc=doc)


def _type(draw: st.DrawFn, name: str, numbers: _Numbers, depth: int, names: list[str]) -> AvroType:
    number = next(numbers.ids)
    match name:
        case "decimal":
            return _decimal(draw, number, fixed="fixed" in names)
        case "fixed":
            return Fixed(f"Fixed{number}", draw(st.integers(1, 20)), "shop")
        case "enum":
            symbols = draw(
                st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), min_size=1, unique=True)
            )
            return Enum(f"Enum{number}", tuple(symbols), draw(st.sampled_from([None, symbols[0]])), "shop")
        case "array":
            by_cdc = "map" not in names
            inner = _inner(draw, numbers, depth, names, {"array", "enum"} if by_cdc else ())
            return Array(inner, number, element_nullable=by_cdc or _nullable(draw, inner, numbers))
        case "map":
            inner = _inner(draw, numbers, depth, names)
            return Map(inner, number, next(numbers.ids), _nullable(draw, inner, numbers))
        case "record":
            chosen = draw(st.lists(st.sampled_from(_deeper(names, depth + 1)), min_size=1, max_size=3))
            return _record(draw, f"Record{number}", chosen, numbers, depth + 1, names)
        case "date":
            return Date()
        case "uuid":
            return Uuid()
    kind, _, unit = name.partition("-")
    if unit:
        return Time(unit) if kind == "time" else Timestamp(unit)  # type: ignore[arg-type]
    return Primitive(kind)  # type: ignore[arg-type]


def _inner(draw: st.DrawFn, numbers: _Numbers, depth: int, names: list[str], without: Collection[str] = ()) -> AvroType:
    known = [name for name in _deeper(names, depth + 1) if name not in without]
    return _type(draw, draw(st.sampled_from(known)), numbers, depth + 1, names)


def _nullable(draw: st.DrawFn, inner: AvroType, numbers: _Numbers) -> bool:
    may_be = numbers.nullable_containers or not isinstance(inner, Array | Map | Record)
    return may_be and draw(st.booleans())


def _deeper(names: list[str], depth: int) -> list[str]:
    """The types that may stand at a depth: at the last one, none that goes deeper."""
    return names if depth < MAX_DEPTH else [name for name in names if name not in CONTAINERS]


def _decimal(draw: st.DrawFn, number: int, *, fixed: bool) -> Decimal:
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))
    if fixed and draw(st.booleans()):
        size = (10**precision).bit_length() // 8 + 1
        return Decimal(precision, scale, Fixed(f"Number{number}", size, "shop"))
    return Decimal(precision, scale)


def rows(record: Record) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of the record."""
    return st.fixed_dictionaries({one.name: _values(one.type, one.nullable) for one in record.fields})


def _values(avro_type: AvroType, nullable: bool) -> st.SearchStrategy[Any]:
    values = _not_null(avro_type)
    return st.none() | values if nullable else values


def _not_null(avro_type: AvroType) -> st.SearchStrategy[Any]:
    match avro_type:
        case Primitive(kind):
            return PRIMITIVES[kind]
        case Decimal(precision, scale):
            limit = 10**precision - 1
            return st.integers(-limit, limit).map(lambda unscaled: _number(unscaled, scale))
        case Fixed(size=size):
            return st.binary(min_size=size, max_size=size)
        case Enum(symbols=symbols):
            return st.sampled_from(symbols)
        case Array() | Map() | Record():
            return _contained(avro_type)
        case Time(unit):
            return st.times().map(lambda time: time.replace(microsecond=_cut(time.microsecond, unit)))
        case Timestamp(unit):
            instants = st.datetimes(timezones=st.just(dt.UTC))
            return instants.map(lambda at: at.replace(microsecond=_cut(at.microsecond, unit)))
        case Date() | Uuid():
            return st.dates() if isinstance(avro_type, Date) else st.uuids()


def _contained(avro_type: Array | Map | Record) -> st.SearchStrategy[Any]:
    match avro_type:
        case Array(element, _, nullable):
            return st.lists(_values(element, nullable), max_size=3)
        case Map(value, _, _, nullable):
            return st.dictionaries(st.text(max_size=5), _values(value, nullable), max_size=3)
        case Record():
            return rows(avro_type)


PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "bytes": st.binary(max_size=20),
    "string": st.text(max_size=10),
}


def _number(unscaled: int, scale: int) -> decimal.Decimal:
    """Exact, whatever the precision of the decimal context."""
    digits = tuple(int(digit) for digit in str(abs(unscaled)))
    return decimal.Decimal((int(unscaled < 0), digits, -scale))


def _cut(microsecond: int, unit: str) -> int:
    return microsecond // 1000 * 1000 if unit == "millis" else microsecond
