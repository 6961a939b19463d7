"""May a record become another one? Avro's rules of schema resolution, with reasons.

They are stricter than a registry's, which looks at Avro's carriers only: there, microseconds read
as milliseconds and a decimal of another scale pass unseen. `BACKWARD` asks that the new record can
read what was written with the old one, `FORWARD` the reverse, `FULL` both, `NONE` nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headrace.contracts.contract import Compatibility
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Decimal,
    Enum,
    Fixed,
    Map,
    Primitive,
    Record,
    type_name,
)

PROMOTIONS: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""Primitive as written → other primitives as which it can be read."""

_INSTEAD: Final = "add a new field, or a new major version"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why the one record cannot follow the other."""

    field: str
    """`outer.inner`, `list[]` for elements, `map{}` for values; "" for the record itself."""
    rule: str
    message: str
    """A sentence: the field, the fact, the next step."""


def incompatibilities(old: Record, new: Record, level: Compatibility) -> tuple[Incompatibility, ...]:
    """Everything by which `new` breaks the compatibility level towards `old`; empty when it does
    not.
    """
    found: list[Incompatibility] = []
    if level in ("BACKWARD", "FULL"):
        found += _records("", reader=new, writer=old, who="the new version", what="old records")
    if level in ("FORWARD", "FULL"):
        found += _records("", reader=old, writer=new, who="the old version", what="new records")
    if level != "NONE":
        found += _renumbered("", old, new)
    return tuple(found)


def _records(path: str, *, reader: Record, writer: Record, who: str, what: str) -> Iterator[Incompatibility]:
    if reader.full_name != writer.full_name:
        fact = f"the record is {writer.full_name} as written and {reader.full_name} as read"
        yield _broken(path, "name", fact, "keep the name")
    for field in reader.fields:
        inner = f"{path}.{field.name}" if path else field.name
        written = writer.get(field.name)
        if written is None:
            if field.default is MISSING:
                fact = f"{what} lack it and {who} has no default for it"
                yield _broken(inner, "missing", fact, "give it a default")
            continue
        pair = (written.nullable, field.nullable)
        yield from _types(inner, field.type, written.type, pair, who, what)


def _types(
    path: str,
    reader: AvroType,
    writer: AvroType,
    nullable: tuple[bool, bool],
    who: str,
    what: str,
) -> Iterator[Incompatibility]:
    """`nullable` is (as written, as read)."""
    if nullable == (True, False):
        fact = f"{what} may hold null there and {who} cannot"
        yield _broken(path, "null", fact, "leave it nullable")
    match reader, writer:
        case Record(), Record():
            yield from _records(path, reader=reader, writer=writer, who=who, what=what)
        case Array(), Array():
            pair = (writer.element_nullable, reader.element_nullable)
            yield from _types(f"{path}[]", reader.element, writer.element, pair, who, what)
        case Map(), Map():
            pair = (writer.value_nullable, reader.value_nullable)
            yield from _types(f"{path}{{}}", reader.value, writer.value, pair, who, what)
        case Enum(), Enum():
            yield from _enums(path, reader, writer, who, what)
        case Decimal(), Decimal():
            yield from _decimals(path, reader, writer)
        case Fixed(), Fixed():
            yield from _fixed(path, reader, writer)
        case _ if reader != writer and not _promoted(reader, writer):
            fact = f"a {type_name(writer)} as written cannot be read as {type_name(reader)}"
            yield _broken(path, "type", fact, _INSTEAD)


def _promoted(reader: AvroType, writer: AvroType) -> bool:
    both = isinstance(reader, Primitive) and isinstance(writer, Primitive)
    return both and type_name(reader) in PROMOTIONS.get(type_name(writer), ())


def _enums(path: str, reader: Enum, writer: Enum, who: str, what: str) -> Iterator[Incompatibility]:
    yield from _same_name(path, reader, writer)
    unknown = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
    if unknown and reader.default is None:
        fact = f"{what} may hold {', '.join(unknown)}, which {who} does not know"
        yield _broken(path, "symbols", fact, "keep the symbols, and give the enum a default")


def _decimals(path: str, reader: Decimal, writer: Decimal) -> Iterator[Incompatibility]:
    if reader.scale != writer.scale:
        fact = f"decimal scale {writer.scale} read as {reader.scale} changes stored values"
        yield _broken(path, "scale", fact, _INSTEAD)
    if reader.precision < writer.precision:
        fact = f"decimals of {writer.precision} digits do not fit into {reader.precision}"
        yield _broken(path, "precision", fact, _INSTEAD)
    if (reader.fixed is None) != (writer.fixed is None):
        yield _broken(path, "type", "a decimal on bytes is none on fixed", _INSTEAD)
    elif reader.fixed and writer.fixed:
        yield from _fixed(path, reader.fixed, writer.fixed)


def _fixed(path: str, reader: Fixed, writer: Fixed) -> Iterator[Incompatibility]:
    yield from _same_name(path, reader, writer)
    if reader.size != writer.size:
        fact = f"{writer.size} fixed bytes cannot be read as {reader.size}"
        yield _broken(path, "size", fact, _INSTEAD)


def _same_name(path: str, reader: Enum | Fixed, writer: Enum | Fixed) -> Iterator[Incompatibility]:
    names = [f"{named.namespace}.{named.name}".lstrip(".") for named in (writer, reader)]
    if names[0] != names[1]:
        fact = f"the type is {names[0]} as written and {names[1]} as read"
        yield _broken(path, "name", fact, "keep the name")


def _renumbered(path: str, old: Record, new: Record) -> Iterator[Incompatibility]:
    """The lake knows a field by its id: it may neither change nor pass to another field."""
    by_id = {field.id: field.name for field in old.fields}
    for field in new.fields:
        inner = f"{path}.{field.name}" if path else field.name
        before = old.get(field.name)
        if before is not None and before.id != field.id:
            fact = f"its field-id changes from {before.id} to {field.id}"
            yield _broken(inner, "field-id", fact, f"keep {before.id}")
        elif before is None and field.id in by_id:
            fact = f"its field-id {field.id} was that of {by_id[field.id]}"
            yield _broken(inner, "field-id", fact, "give it one that was never used")
        elif before is not None:
            was, now = _innermost(before.type), _innermost(field.type)
            if isinstance(was, Record) and isinstance(now, Record):
                yield from _renumbered(inner, was, now)


def _innermost(avro_type: AvroType) -> AvroType:
    """What lies inside all arrays and maps."""
    while isinstance(avro_type, Array | Map):
        avro_type = avro_type.element if isinstance(avro_type, Array) else avro_type.value
    return avro_type


def _broken(path: str, rule: str, fact: str, instead: str) -> Incompatibility:
    where = f'field "{path}": ' if path else ""
    return Incompatibility(path, rule, f"{where}{fact}; {instead}")
