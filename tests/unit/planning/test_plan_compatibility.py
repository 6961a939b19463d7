"""Reading with one Avro schema what was written with another."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.planning.compatibility import problems, reading


def record(*fields: dict[str, Any], name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def of(type_: Any, **more: Any) -> dict[str, Any]:
    return record({"name": "x", "type": type_, **more})


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
ZONED = {"type": "string", "connect.name": "io.debezium.time.ZonedTimestamp"}

READABLE: list[tuple[Any, Any]] = [
    ("long", "int"),
    ("double", "float"),
    (["null", "int"], "int"),
    (["null", "long"], ["null", "int"]),
    (["null", "string"], ["string", "null"]),
    (decimal(12, 2), decimal(9, 2)),
    (enum("A", "B"), enum("A")),
    (enum("A", default="A"), enum("A", "B")),
    ({"type": "array", "items": "long"}, {"type": "array", "items": "int"}),
    ({"type": "map", "values": ["null", "int"]}, {"type": "map", "values": "int"}),
    ({"type": "string", "connect.version": 1}, "string"),
]


@pytest.mark.parametrize(("reader", "writer"), READABLE)
def test_readable(reader: Any, writer: Any) -> None:
    assert reading(of(reader), of(writer)) == ()


UNREADABLE: list[tuple[Any, Any, str]] = [
    ("int", "long", "data written as long cannot be read as int"),
    ("int", ["null", "int"], "data written as null cannot be read as int"),
    (decimal(12, 4), decimal(12, 2), "written as decimal(12, 2) cannot be read as decimal(12, 4)"),
    (decimal(9, 2), decimal(12, 2), "written as decimal(12, 2) cannot be read as decimal(9, 2)"),
    (MILLIS, MICROS, "written as timestamp-micros cannot be read as timestamp-millis"),
    (MICROS, "long", "written as long cannot be read as timestamp-micros"),
    ("string", ZONED, "written as io.debezium.time.ZonedTimestamp cannot be read as string"),
    (["null", MILLIS], ["null", MICROS], "cannot be read as timestamp-millis"),
    (enum("A"), enum("A", "B"), "written symbols B are no longer known"),
    ({"type": "array", "items": "int"}, {"type": "array", "items": "string"}, "written as string"),
    ({"type": "map", "values": "int"}, {"type": "array", "items": "int"}, "as array of int cannot"),
    (
        {"type": "fixed", "name": "F", "size": 2},
        {"type": "fixed", "name": "F", "size": 3},
        "written as fixed F cannot be read as fixed F",
    ),
    (record({"name": "y", "type": "int"}), "int", "written as int cannot be read as record R"),
]  # fmt: skip


@pytest.mark.parametrize(("reader", "writer", "reason"), UNREADABLE)
def test_unreadable(reader: Any, writer: Any, reason: str) -> None:
    [problem] = reading(of(reader), of(writer))
    assert problem.field == "x"
    assert reason in problem.reason


def test_a_missing_field_needs_a_default() -> None:
    empty = record()
    assert reading(of("int", default=0), empty) == ()
    assert [p.field for p in reading(of("int"), empty)] == ["x"]
    assert reading(empty, of("int")) == ()


def test_an_alias_finds_the_old_name() -> None:
    renamed = record({"name": "y", "type": "int", "aliases": ["x"]})
    assert reading(renamed, of("int")) == ()


def test_nested_fields_are_named_by_their_path() -> None:
    def nested(inner: str) -> dict[str, Any]:
        return of(["null", record({"name": "y", "type": inner}, name="Inner")])

    assert [p.field for p in reading(nested("int"), nested("string"))] == ["x.y"]


def test_a_named_type_is_followed_and_a_recursive_one_ends() -> None:
    def tree(leaf: str) -> dict[str, Any]:
        fields = [{"name": "leaf", "type": leaf}, {"name": "next", "type": ["null", "R"]}]
        return record(*fields)

    assert reading(tree("long"), tree("int")) == ()
    assert [p.field for p in reading(tree("int"), tree("long"))] == ["leaf"]


@pytest.mark.parametrize(
    ("level", "widened", "narrowed"),
    [("BACKWARD", 0, 1), ("FORWARD", 1, 0), ("FULL", 1, 1), ("NONE", 0, 0)],
)
def test_levels(level: str, widened: int, narrowed: int) -> None:
    assert len(problems(of("long"), of("int"), level)) == widened
    assert len(problems(of("int"), of("long"), level)) == narrowed
