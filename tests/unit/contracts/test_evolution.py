"""May a record become another? Each rule, in both directions, with its message."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import fastavro
import pytest

from headrace.contracts.avro_render import avro_schema
from headrace.contracts.contract import Compatibility
from headrace.contracts.evolution import incompatibilities
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Timestamp,
)

INT, LONG, STRING = Primitive("int"), Primitive("long"), Primitive("string")


def _row(*fields: Field) -> Record:
    return Record("Row", "shop", "", fields)


def _one(avro_type: AvroType, **more: Any) -> Record:
    return _row(Field("f", 1, avro_type, **more))


def _told(old: Record, new: Record, level: Compatibility) -> list[tuple[str, str]]:
    return [(one.rule, one.message) for one in incompatibilities(old, new, level)]


def test_nothing_is_wrong_with_no_change() -> None:
    row = _row(Field("a", 1, INT), Field("b", 2, Array(Enum("E", ("x",)), 3), nullable=True, default=None))
    for level in ("BACKWARD", "FORWARD", "FULL", "NONE"):
        assert incompatibilities(row, row, level) == ()


# (old, new, rules broken towards BACKWARD, rules broken towards FORWARD)
CASES: dict[str, tuple[Record, Record, list[str], list[str]]] = {
    "field added with a default": (_one(INT), _row(Field("f", 1, INT), Field("g", 2, INT, default=0)), [], []),
    "field added without": (_one(INT), _row(Field("f", 1, INT), Field("g", 2, INT)), ["missing"], []),
    "field removed": (_row(Field("f", 1, INT), Field("g", 2, INT)), _one(INT), [], ["missing"]),
    "field removed that had a default": (_row(Field("f", 1, INT), Field("g", 2, INT, default=0)), _one(INT), [], []),
    "field renamed": (_one(INT), _row(Field("g", 1, INT)), ["missing", "field-id"], ["missing", "field-id"]),
    "field id changed": (_one(INT), _row(Field("f", 2, INT)), ["field-id"], ["field-id"]),
    "int to long": (_one(INT), _one(LONG), [], ["type"]),
    "long to int": (_one(LONG), _one(INT), ["type"], []),
    "int to double": (_one(INT), _one(Primitive("double")), [], ["type"]),
    "float to double": (_one(Primitive("float")), _one(Primitive("double")), [], ["type"]),
    "string to bytes": (_one(STRING), _one(Primitive("bytes")), [], []),
    "string to int": (_one(STRING), _one(INT), ["type"], ["type"]),
    "boolean to int": (_one(Primitive("boolean")), _one(INT), ["type"], ["type"]),
    "to nullable": (_one(INT), _one(INT, nullable=True), [], ["null"]),
    "to not nullable": (_one(INT, nullable=True), _one(INT), ["null"], []),
    "micros to millis": (_one(Timestamp("micros")), _one(Timestamp("millis")), ["type"], ["type"]),
    "long to instant": (_one(LONG), _one(Timestamp("micros")), ["type"], ["type"]),
    "decimal scale": (_one(Decimal(12, 2)), _one(Decimal(12, 4)), ["scale"], ["scale"]),
    "decimal wider": (_one(Decimal(12, 2)), _one(Decimal(14, 2)), [], ["precision"]),
    "decimal narrower": (_one(Decimal(12, 2)), _one(Decimal(10, 2)), ["precision"], []),
    "decimal to fixed": (_one(Decimal(4, 2)), _one(Decimal(4, 2, Fixed("D", 4))), ["type"], ["type"]),
    "decimal's fixed": (_one(Decimal(4, 2, Fixed("D", 4))), _one(Decimal(4, 2, Fixed("D", 5))), ["size"], ["size"]),
    "fixed size": (_one(Fixed("D", 4)), _one(Fixed("D", 5)), ["size"], ["size"]),
    "fixed name": (_one(Fixed("D", 4)), _one(Fixed("E", 4)), ["name"], ["name"]),
    "enum name": (_one(Enum("E", ("a",))), _one(Enum("E", ("a",), namespace="x")), ["name"], ["name"]),
    "symbol added": (_one(Enum("E", ("a",))), _one(Enum("E", ("a", "b"))), [], ["symbols"]),
    "symbol added, default": (_one(Enum("E", ("a",), "a")), _one(Enum("E", ("a", "b"), "a")), [], []),
    "symbol removed": (_one(Enum("E", ("a", "b"))), _one(Enum("E", ("a",))), ["symbols"], []),
    "element type": (_one(Array(INT, 2)), _one(Array(LONG, 2)), [], ["type"]),
    "element null": (_one(Array(INT, 2, element_nullable=True)), _one(Array(INT, 2)), ["null"], []),
    "value type": (_one(Map(STRING, 2, 3)), _one(Map(INT, 2, 3)), ["type"], ["type"]),
    "value null": (_one(Map(INT, 2, 3)), _one(Map(INT, 2, 3, value_nullable=True)), [], ["null"]),
    "array to map": (_one(Array(INT, 2)), _one(Map(INT, 2, 3)), ["type"], ["type"]),
    "record name": (_one(INT), dataclasses.replace(_one(INT), name="Line"), ["name"], ["name"]),
    "inner field": (
        _one(Array(Record("In", "shop", "", (Field("x", 3, INT),)), 2)),
        _one(Array(Record("In", "shop", "", (Field("x", 3, INT), Field("y", 4, INT))), 2)),
        ["missing"],
        [],
    ),
    "inner field id": (
        _one(Map(Record("In", "shop", "", (Field("x", 3, INT),)), 2, 5)),
        _one(Map(Record("In", "shop", "", (Field("x", 4, INT),)), 2, 5)),
        ["field-id"],
        ["field-id"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_levels(name: str) -> None:
    old, new, backward, forward = CASES[name]
    assert [rule for rule, _ in _told(old, new, "BACKWARD")] == backward
    assert [rule for rule, _ in _told(old, new, "FORWARD")] == forward
    assert {rule for rule, _ in _told(old, new, "FULL")} == set(backward) | set(forward)
    assert _told(old, new, "NONE") == []


MESSAGES: dict[str, str] = {
    "field added without": 'field "g": old records lack it and the new version has no default for it; give it a default',
    "to not nullable": 'field "f": old records may hold null there and the new version cannot; leave it nullable',
    "decimal scale": 'field "f": decimal scale 2 read as 4 changes stored values; add a new field, or a new major version',
    "field id changed": 'field "f": its field-id changes from 1 to 2; keep 1',
    "element null": 'field "f[]": old records may hold null there and the new version cannot; leave it nullable',
    "value type": 'field "f{}": a string as written cannot be read as int; add a new field, or a new major version',
    "inner field": 'field "f[].y": old records lack it and the new version has no default for it; give it a default',
    "record name": "the record is shop.Row as written and shop.Line as read; keep the name",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    old, new, *_ = CASES[name]
    assert _told(old, new, "BACKWARD")[0][1] == MESSAGES[name]


def test_an_id_may_not_pass_to_another_field() -> None:
    old = _row(Field("a", 1, INT), Field("b", 2, INT, default=0))
    new = _row(Field("a", 1, INT), Field("c", 2, INT, default=0))
    (told,) = incompatibilities(old, new, "BACKWARD")
    assert told.message == 'field "c": its field-id 2 was that of b; give it one that was never used'


VALUES: dict[AvroType, Any] = {INT: 1, LONG: 1, STRING: "1", Primitive("bytes"): b"1", Primitive("double"): 1.0}
PRIMITIVES = (INT, LONG, Primitive("float"), Primitive("double"), STRING, Primitive("bytes"), Primitive("boolean"))


@pytest.mark.parametrize("new", PRIMITIVES, ids=lambda one: str(one.kind))
@pytest.mark.parametrize("old", PRIMITIVES, ids=lambda one: str(one.kind))
def test_promotions_are_those_that_a_reader_makes(old: Primitive, new: Primitive) -> None:
    values = {"boolean": True, "string": "1", "bytes": b"1"}
    value = values.get(old.kind, 1)
    file = io.BytesIO()
    written, read = avro_schema(_one(old)), avro_schema(_one(new))
    fastavro.schemaless_writer(file, written, {"f": value})
    file.seek(0)
    try:
        fastavro.schemaless_reader(file, written, read)
        readable = True
    except Exception:
        readable = False
    assert (incompatibilities(_one(old), _one(new), "BACKWARD") == ()) == readable
    assert _one(old).fields[0].default is MISSING
