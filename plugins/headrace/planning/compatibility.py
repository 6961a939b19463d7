"""Check whether records written with one Avro schema can be read with another.

It is stricter than a registry, which compares only physical types: it also finds a decimal of another scale, and
microseconds read as milliseconds. Schemas are JSON values in the form of `canonical.avro`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.planning import canonical

PROMOTIONS: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""Written primitive → other primitives that Avro can read it as."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why reading fails."""

    field: str
    """Names of the enclosing fields, joined by dots; empty at the top."""
    reason: str
    """A clause."""


@dataclass(frozen=True, slots=True)
class _Pair:
    reader: Mapping[str, Any]
    """Full name → named type of the reader's schema."""
    writer: Mapping[str, Any]
    seen: frozenset[tuple[str, str]] = frozenset()

    def entered(self, reader: str, writer: str) -> _Pair:
        return _Pair(self.reader, self.writer, self.seen | {(reader, writer)})


def problems(new: Any, old: Any, level: str) -> tuple[Problem, ...]:
    """Return why the new schema breaks the level (BACKWARD, FORWARD, FULL, NONE) against the old one."""
    found: list[Problem] = []
    if level.startswith(("BACKWARD", "FULL")):
        found += reading(new, old)
    if level.startswith(("FORWARD", "FULL")):
        found += reading(old, new)
    return tuple(dict.fromkeys(found))


def reading(reader: Any, writer: Any) -> tuple[Problem, ...]:
    """Return why data written with `writer` cannot be read with `reader`; empty when it can."""
    reader, writer = canonical.avro(reader), canonical.avro(writer)
    pair = _Pair(dict(_named(reader)), dict(_named(writer)))
    return tuple(_read(reader, writer, "", pair))


def type_text(schema: Any) -> str:
    """Return a type as readable text: `decimal(12, 2)`, `timestamp-micros`, `null or long`."""
    match schema:
        case str():
            return schema
        case list():
            return " or ".join(type_text(branch) for branch in schema)
        case {"logicalType": "decimal", "precision": precision, **rest}:
            return f"decimal({precision}, {rest.get('scale', 0)})"
        case {"logicalType": str() as name} | {"connect.name": str() as name}:
            return name
        case {"type": "array", "items": items}:
            return f"array of {type_text(items)}"
        case {"type": "map", "values": values}:
            return f"map of {type_text(values)}"
        case {"name": str() as name}:
            return f"{schema['type']} {name}"
        case {"type": inner}:
            return type_text(inner)
    return str(schema)


def _named(schema: Any) -> Iterator[tuple[str, Any]]:
    match schema:
        case list():
            for branch in schema:
                yield from _named(branch)
        case {"name": str() as name}:
            yield name, schema
            for field in schema.get("fields", ()):
                yield from _named(field["type"])
        case {"items": inner} | {"values": inner} | {"type": inner}:
            yield from _named(inner)


def _read(reader: Any, writer: Any, path: str, pair: _Pair) -> Iterator[Problem]:
    reader, writer = _resolved(reader, pair.reader), _resolved(writer, pair.writer)
    if isinstance(writer, list):
        for branch in writer:
            yield from _read(reader, branch, path, pair)
    elif isinstance(reader, list):
        tries = [tuple(_read(branch, writer, path, pair)) for branch in reader]
        if all(tries):
            same = [t for t, b in zip(tries, reader, strict=True) if _shape(b) == _shape(writer)]
            yield from same[0] if same else [_mismatch(reader, writer, path)]
    elif _shape(reader) == "record" == _shape(writer):
        yield from _read_record(reader, writer, path, pair)
    else:
        yield from _read_value(reader, writer, path, pair)


def _read_record(reader: Any, writer: Any, path: str, pair: _Pair) -> Iterator[Problem]:
    if (reader["name"], writer["name"]) in pair.seen:
        return
    inside = pair.entered(reader["name"], writer["name"])
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        place = f"{path}.{field['name']}" if path else field["name"]
        aliases = (field["name"], *field.get("aliases", ()))
        source = next((written[name] for name in aliases if name in written), None)
        if source is not None:
            yield from _read(field["type"], source["type"], place, inside)
        elif "default" not in field:
            yield Problem(place, "it has no default, which records without it need")


def _read_value(reader: Any, writer: Any, path: str, pair: _Pair) -> Iterator[Problem]:
    shapes = _shape(reader), _shape(writer)
    if shapes[0] != shapes[1] and not _promoted(reader, writer):
        yield _mismatch(reader, writer, path)
    elif shapes == ("array", "array"):
        yield from _read(reader["items"], writer["items"], path, pair)
    elif shapes == ("map", "map"):
        yield from _read(reader["values"], writer["values"], path, pair)
    elif shapes == ("enum", "enum"):
        lost = set(writer["symbols"]) - set(reader["symbols"])
        if lost and "default" not in reader:
            yield Problem(path, f"written symbols {', '.join(sorted(lost))} are no longer known")
    elif _meaning(reader) != _meaning(writer) and not _decimal_fits(reader, writer):
        yield _mismatch(reader, writer, path)


def _resolved(schema: Any, named: Mapping[str, Any]) -> Any:
    return named.get(schema, schema) if isinstance(schema, str) else schema


def _shape(schema: Any) -> str:
    while isinstance(schema, Mapping):
        schema = schema["type"]
    return schema if isinstance(schema, str) else "union"


def _meaning(schema: Any) -> tuple[Any, ...]:
    """Return the attributes that distinguish two types with the same physical type."""
    keys = ("logicalType", "precision", "scale", "size", "connect.name")
    return tuple(schema.get(key) for key in keys) if isinstance(schema, Mapping) else (None,) * 5


def _promoted(reader: Any, writer: Any) -> bool:
    plain = isinstance(reader, str) and isinstance(writer, str)
    return plain and reader in PROMOTIONS.get(writer, ())


def _decimal_fits(reader: Any, writer: Any) -> bool:
    (of, precision, scale, size, name), (of_, precision_, scale_, size_, name_) = (
        _meaning(reader),
        _meaning(writer),
    )
    if not (of == of_ == "decimal" and (size, name) == (size_, name_)):
        return False
    return bool(precision >= precision_ and (scale or 0) == (scale_ or 0))


def _mismatch(reader: Any, writer: Any, path: str) -> Problem:
    return Problem(path, f"data written as {type_text(writer)} cannot be read as "
                         f"{type_text(reader)}")  # fmt: skip
