"""Reading .avsc files: what is carried, and every refusal with its place and rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.contracts.avro import parse_avsc
from headrace.contracts.types import MISSING, Array, Decimal, Enum, Field, Fixed, Map, Primitive, Record, Uuid
from headrace.errors import ContractErrors, SchemaTypeError


def _record(*fields: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "record", "name": "Row", "fields": list(fields), **more}, indent=1)


def _field(avro_type: Any, **more: Any) -> dict[str, Any]:
    return {"name": "f", "field-id": 1, "type": avro_type, "doc": "A field.", **more}


def _read(avro_type: Any, **more: Any) -> Field:
    return parse_avsc("row.avsc", _record(_field(avro_type, **more))).fields[0]


def _rules(text: str) -> list[str]:
    with pytest.raises(ContractErrors) as raised:
        parse_avsc("row.avsc", text)
    return [f"{error.rule}: {error.message}" for error in raised.value.errors]


def _bytes_decimal(**parameters: Any) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", **parameters}


def test_nullable_default_and_missing_default_differ() -> None:
    assert _read(["null", "int"], default=None) == Field(
        "f", 1, Primitive("int"), nullable=True, doc="A field.", default=None
    )
    assert _read(["int", "null"], default=3).default == 3
    assert _read(["int", "null"]).default is MISSING
    assert _read("int").default is MISSING
    assert repr(MISSING) == "MISSING"


def test_a_default_that_is_a_list_leaves_the_record_hashable() -> None:
    field = _read({"type": "array", "element-id": 2, "items": "int"}, default=[])
    assert hash(Record("Row", "", "", (field,)))


def test_parameters_of_types() -> None:
    assert _read({"type": "int"}).type == Primitive("int")
    assert _read(_bytes_decimal(precision=5)).type == Decimal(5, 0)
    assert _read({"type": "fixed", "name": "D", "size": 4, "logicalType": "decimal", "precision": 9}).type == Decimal(
        9, 0, Fixed("D", 4)
    )
    assert _read({"type": "array", "element-id": 7, "items": ["int", "null"]}).type == Array(
        Primitive("int"), 7, element_nullable=True
    )
    assert _read({"type": "map", "key-id": 7, "value-id": 8, "values": "int"}).type == Map(Primitive("int"), 7, 8)


def test_named_types_take_the_namespace_around_them_and_can_be_referred_to() -> None:
    enum = {"type": "enum", "name": "Mood", "symbols": ["calm"]}
    text = _record(
        _field(enum),
        {**_field("Mood"), "name": "g", "field-id": 2},
        {**_field("shop.Mood"), "name": "h", "field-id": 3},
        namespace="shop",
    )
    types = {field.type for field in parse_avsc("row.avsc", text)}
    assert types == {Enum("Mood", ("calm",), namespace="shop")}


DEEP = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "x", "field-id": 2, "type": "duration", "doc": "X."}],
}

REFUSED_TYPES: list[tuple[Any, str]] = [
    (["null", "int", "string"], 'field "f": a union of (null, int, string) is not supported'),
    (["int"], 'field "f": a union of (int) is not supported'),
    (["null", "null"], 'field "f": a union of (null, null) is not supported'),
    (["int", {"type": "long", "logicalType": "timestamp-micros"}], "a union of (int, timestamp-micros)"),
    ("null", 'field "f": a field that is only null is not supported'),
    (None, 'field "f": no type is not supported'),
    (7, "the type 7 is not supported"),
    ("varchar", 'the type "varchar" is not supported'),
    ("Row", 'a second use of the record "Row" (recursive or repeated) is not supported'),
    ({"type": {"type": "int"}}, "a type within a type is not supported"),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, "logicalType 'local-timestamp-micros' on long"),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, "logicalType 'local-timestamp-millis' on long"),
    ({"type": "long", "logicalType": "timestamp-nanos"}, "logicalType 'timestamp-nanos' on long"),
    ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "logicalType 'duration' on fixed"),
    (
        {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
        "'uuid' on fixed is not supported; put it on st",
    ),
    ({"type": "bytes", "logicalType": "big-decimal"}, "logicalType 'big-decimal' on bytes"),
    ({"type": "int", "logicalType": "timestamp-micros"}, "put it on long"),
    ({"type": "string", "logicalType": "decimal"}, "put it on bytes or fixed"),
    (DEEP, 'field "f.x": the type "duration" is not supported'),
    ({"type": "array", "element-id": 2, "items": ["int", "string"]}, "a union of (int, string)"),
    ({"type": "map", "key-id": 2, "value-id": 3, "values": "Row"}, 'a second use of the record "Row"'),
]


@pytest.mark.parametrize(("avro_type", "message"), REFUSED_TYPES, ids=lambda value: str(value)[:40])
def test_a_type_that_is_not_carried_is_refused_by_name(avro_type: Any, message: str) -> None:
    with pytest.raises(ContractErrors) as raised:
        _read(avro_type)
    (error,) = raised.value.errors
    assert isinstance(error, SchemaTypeError)
    assert error.rule == "type"
    assert message in error.message
    assert "; " in error.message


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"doc": ""}, 'doc: field "f": it has no doc'),
    ({"doc": None}, 'doc: field "f": it has no doc'),
    ({"field-id": None}, 'field-id: field "f": "field-id" is missing'),
    ({"field-id": "1"}, 'field-id: field "f": "field-id" is \'1\''),
    ({"field-id": 0}, 'field-id: field "f": "field-id" is 0'),
    ({"field-id": True}, 'field-id: field "f": "field-id" is True'),
    ({"field-id": 10_000}, 'field-id: field "f": "field-id" is 10000; give a whole number from 1 to 9999'),
    ({"name": "F"}, "name: field \"F\": 'F' cannot name a field"),
    ({"name": "_op"}, "name: field \"_op\": '_op' cannot name a field"),
    ({"name": "1st"}, "name: field \"1st\": '1st' cannot name a field"),
    ({"name": "x" * 64}, "cannot name a field"),
    ({"name": None}, "name: None cannot name a field"),
    ({"defualt": 1}, 'attribute: field "f": "defualt" is not an attribute here'),
    ({"aliases": ["g"]}, 'attribute: field "f": "aliases" is not an attribute here'),
    ({"default": "x"}, "default: field \"f\": the default 'x' is not a value of type int"),
    ({"default": None}, 'default: field "f": the default None is not a value of type int'),
    ({"default": True}, 'default: field "f": the default True is not a value of type int'),
    ({"default": 2**31}, 'default: field "f": the default 2147483648 is not a value of type int'),
    ({"type": ["null", "int"]}, 'default: field "f": a ["null", …] field needs "default": null'),
    ({"type": ["null", "int"], "default": 1}, 'default: field "f": a ["null", …] field needs "default": null'),
    ({"type": ["int", "null"], "default": None}, 'default: field "f": the default None is not a value of type int'),
    ({"type": _bytes_decimal()}, 'decimal: field "f": precision None is not from 1 to 38'),
    ({"type": _bytes_decimal(precision=39)}, 'decimal: field "f": precision 39 is not from 1 to 38'),
    ({"type": _bytes_decimal(precision=2, scale=3)}, 'decimal: field "f": scale 3 is not from 0 to the precision 2'),
    ({"type": _bytes_decimal(precision=2, scale=-1)}, 'decimal: field "f": scale -1'),
    (
        {"type": {"type": "fixed", "name": "D", "size": 4, "logicalType": "decimal", "precision": 10}},
        'decimal: field "f": 4 bytes do not hold 10 digits',
    ),
    ({"type": {"type": "fixed", "name": "D", "size": 0}}, 'fixed: field "f": size 0 is not a positive whole number'),
    ({"type": {"type": "fixed", "name": "D D", "size": 1}}, "name: field \"f\": 'D D' cannot name a type"),
    ({"type": {"type": "fixed", "name": "D", "namespace": "a..b", "size": 1}}, "cannot be a namespace"),
    ({"type": {"type": "fixed", "name": "Row", "size": 1}}, 'name: field "f": the type name "Row" is taken'),
    ({"type": {"type": "enum", "name": "E", "symbols": []}}, 'enum: field "f": enum "E" needs distinct symbols'),
    ({"type": {"type": "enum", "name": "E", "symbols": ["a", "a"]}}, 'enum: field "f": enum "E" needs distinct'),
    ({"type": {"type": "enum", "name": "E", "symbols": ["a b"]}}, 'enum: field "f": enum "E" needs distinct symbols'),
    (
        {"type": {"type": "enum", "name": "E", "symbols": ["a"], "default": "b"}},
        "enum: field \"f\": the enum's default 'b' is not one of its symbols",
    ),
    ({"type": {"type": "array", "items": "int"}}, 'field-id: field "f": "element-id" is missing'),
    ({"type": {"type": "array", "element-id": 1, "items": "int"}}, '"element-id" 1 is taken by field "f"'),
    ({"type": {"type": "map", "key-id": 2, "values": "int"}}, 'field-id: field "f": "value-id" is missing'),
    ({"type": {"type": "record", "name": "R", "fields": []}}, 'fields: field "f": record "R" has no fields'),
    ({"type": {"type": "int", "precision": 3}}, 'attribute: field "f": "precision" is not an attribute here'),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=lambda value: str(value)[:50])
def test_a_broken_rule_is_reported_with_its_field(change: dict[str, Any], message: str) -> None:
    field = {
        name: value for name, value in {**_field("int"), **change}.items() if name == "default" or value is not None
    }
    (fault,) = _rules(_record(field))
    assert message in fault
    assert "; " in fault


GOOD_DEFAULTS: list[tuple[Any, Any]] = [
    ("boolean", False),
    ("long", -(2**63)),
    ("double", 1),
    ("float", 1.5),
    ("bytes", "\u00ff\u0000"),
    ("string", "ü"),
    (_bytes_decimal(precision=2), "\u0063"),
    ({"type": "int", "logicalType": "date"}, -1),
    ({"type": "int", "logicalType": "time-millis"}, 86_399_999),
    ({"type": "long", "logicalType": "time-micros"}, 0),
    ({"type": "long", "logicalType": "timestamp-micros"}, 0),
    ({"type": "string", "logicalType": "uuid"}, "550e8400-e29b-41d4-a716-446655440000"),
    ({"type": "fixed", "name": "D", "size": 2}, "ab"),
    ({"type": "enum", "name": "E", "symbols": ["a"]}, "a"),
    ({"type": "array", "element-id": 2, "items": ["null", "int"]}, [1, None]),
    ({"type": "map", "key-id": 2, "value-id": 3, "values": "int"}, {"a": 1}),
    (
        {"type": "record", "name": "R", "fields": [{"name": "x", "field-id": 2, "type": "int", "doc": "X."}]},
        {"x": 1},
    ),
]
BAD_DEFAULTS: list[tuple[Any, Any]] = [
    ("boolean", 0),
    ("long", 2**63),
    ("long", 1.0),
    ("double", "1"),
    ("double", True),
    ("bytes", "\u0100"),
    ("string", 1),
    (_bytes_decimal(precision=2), "\u0064"),
    (_bytes_decimal(precision=2), ""),
    (_bytes_decimal(precision=2), 5),
    ({"type": "int", "logicalType": "date"}, "2024-01-01"),
    ({"type": "int", "logicalType": "time-millis"}, 86_400_000),
    ({"type": "string", "logicalType": "uuid"}, "550e8400"),
    ({"type": "fixed", "name": "D", "size": 2}, "a"),
    ({"type": "enum", "name": "E", "symbols": ["a"]}, "b"),
    ({"type": "array", "element-id": 2, "items": "int"}, [None]),
    ({"type": "map", "key-id": 2, "value-id": 3, "values": "int"}, {"a": "b"}),
    (
        {"type": "record", "name": "R", "fields": [{"name": "x", "field-id": 2, "type": "int", "doc": "X."}]},
        {},
    ),
    (
        {"type": "record", "name": "R", "fields": [{"name": "x", "field-id": 2, "type": "int", "doc": "X."}]},
        {"x": 1, "y": 2},
    ),
]


@pytest.mark.parametrize(("avro_type", "default"), GOOD_DEFAULTS, ids=str)
def test_a_default_of_the_type_is_kept(avro_type: Any, default: Any) -> None:
    assert _read(avro_type, default=default).default == default


@pytest.mark.parametrize(("avro_type", "default"), BAD_DEFAULTS, ids=str)
def test_a_default_of_another_type_is_refused(avro_type: Any, default: Any) -> None:
    (fault,) = _rules(_record(_field(avro_type, default=default)))
    assert fault.startswith(f'default: field "f": the default {default!r} is not ')


def test_every_fault_of_a_file_is_found_at_once_with_its_line() -> None:
    text = """{
  "type": "record", "name": "Row",
  "fields": [
    {"name": "a", "field-id": 1, "type": "int"},
    {"name": "b", "field-id": 1, "type": "int", "doc": "B."},
    {"name": "c", "field-id": 3, "doc": "C.", "type":
      ["null", "int", "long"]},
    {"name": "d", "field-id": 4, "type": {"type": "record", "name": "D", "fields": [
      {"name": "e", "field-id": 5, "type": "int",
       "doc": ""}
    ]}, "doc": "D."},
    {"name": "a", "field-id": 6, "type": "int", "doc": "Again."}
  ]
}"""
    with pytest.raises(ContractErrors) as raised:
        parse_avsc("include/schemas/shop/row.avsc", text)
    assert [(error.line, error.rule) for error in raised.value.errors] == [
        (4, "doc"),
        (5, "field-id"),
        (7, "type"),
        (9, "doc"),
        (12, "name"),
    ]
    assert str(raised.value).splitlines()[1] == (
        'include/schemas/shop/row.avsc:5: field-id: field "b": "field-id" 1 is taken by field "a"; '
        "give one that was never used"
    )


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("[]", 1, "record"),
        ('{"type": "enum"}', 1, "record"),
        ('{"type": "record",\n"name": "1"}', 2, "name"),
        ('{"type": "record", "name": "R",\n"fields": {}}', 2, "fields"),
        ('{"type": "record",\n "fields": [}', 2, "syntax"),
        ('{"type": "record",\n"name": "A",\n"name": "B"}', 3, "duplicate-key"),
        ("", 1, "syntax"),
    ],
)
def test_a_file_that_is_no_record(text: str, line: int, rule: str) -> None:
    with pytest.raises(ContractErrors) as raised:
        parse_avsc("row.avsc", text)
    assert [(error.line, error.rule) for error in raised.value.errors] == [(line, rule)]


def test_uuid_is_carried_on_string() -> None:
    assert _read({"type": "string", "logicalType": "uuid"}).type == Uuid()
