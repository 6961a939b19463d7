"""What servers spell in several ways is one thing."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.planning import canonical, widening


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DateTime64(6,'UTC')", "DateTime64(6, 'UTC')"),
        ("Decimal(18, 4)", "Decimal64(4)"),
        ("Tuple(x Int32, y Nullable(String))", "Tuple(`x` Int32,`y` Nullable( String ))"),
        ("Map(String, Float64)", "Map( String,Float64 )"),
    ],
)
def test_warehouse_types(one: str, other: str) -> None:
    assert canonical.warehouse_type(one) == canonical.warehouse_type(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DateTime64(6, 'UTC')", "DateTime64(3, 'UTC')"),
        ("DateTime64(6, 'UTC')", "DateTime64(6, 'U TC')"),
        ("Decimal(12, 2)", "Decimal64(2)"),
        ("Tuple(x Int32)", "Tuple(xInt32)"),
    ],
)
def test_warehouse_types_that_differ(one: str, other: str) -> None:
    assert canonical.warehouse_type(one) != canonical.warehouse_type(other)


def test_lake_types_are_compared_without_ids() -> None:
    def nested(number: int) -> dict[str, Any]:
        element = {"id": number, "name": "x", "required": False, "type": "decimal(9,2)"}
        struct = {"type": "struct", "fields": [element]}
        ids = {"element-id": number + 1, "element-required": True}
        return {"type": "list", **ids, "element": struct}

    assert canonical.lake_type(nested(1)) == canonical.lake_type(nested(70))
    assert canonical.lake_type("decimal(12,2)") == canonical.lake_type("decimal(12, 2)")


@pytest.mark.parametrize("text", ["`a`, b", "(a, b)", "tuple(a,b)", "a,b", "( `a` , `b` )"])
def test_orderings(text: str) -> None:
    assert canonical.ordering(text) == "a,b"


def test_an_ordering_by_expressions_keeps_them_whole() -> None:
    assert canonical.ordering_columns("a, cityHash64(b, c), d") == ("a", "cityHash64(b,c)", "d")
    assert canonical.ordering_columns("tuple()") == ()
    assert canonical.ordering("toYYYYMM(_committed_at)") == "toYYYYMM(_committed_at)"


@pytest.mark.parametrize(
    "text",
    [
        "ReplacingMergeTree(_offset, _deleted)",
        "ReplacingMergeTree(_offset,_deleted)",
        "ReplicatedReplacingMergeTree('/ch/{uuid}/{shard}', '{replica}', _offset, _deleted)",
        "SharedReplacingMergeTree('/t', '{replica}', _offset, _deleted)",
    ],
)
def test_engines(text: str) -> None:
    assert canonical.engine(text) == "ReplacingMergeTree(_offset,_deleted)"


def test_engines_without_arguments() -> None:
    assert canonical.engine("MergeTree()") == canonical.engine("MergeTree") == "MergeTree"
    assert canonical.engine("ReplicatedMergeTree('/t', '{replica}')") == "MergeTree"


def test_queries() -> None:
    ours = "SELECT `a`, `b`\nFROM `d`.`t` FINAL"
    theirs = "SELECT a, b FROM d.t FINAL;"
    assert canonical.expression(ours) == canonical.expression(theirs)
    assert canonical.expression("SELECT 'a  (b)'") != canonical.expression("SELECT 'a (b)'")


def test_settings_and_config() -> None:
    assert canonical.setting(True) == canonical.setting("true") == canonical.setting(1) == "1"
    assert canonical.setting(1000) == canonical.setting("1000")
    assert canonical.config(True) == canonical.config("true")
    assert canonical.config(50) == "50"


def test_avro_means_the_same_without_docs_and_bookkeeping() -> None:
    registered = {
        "type": "record", "name": "Key", "namespace": "a.b", "connect.name": "a.b.Key",
        "doc": "x",
        "fields": [{"name": "id", "type": {"type": "int", "connect.type": "int16"}}],
    }  # fmt: skip
    declared = {"type": "record", "name": "a.b.Key", "fields": [{"name": "id", "type": "int"}]}
    assert canonical.avro_equal(registered, declared)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "string", "connect.name": "io.debezium.data.Uuid"},
        {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
        ["null", "string"],
        {"type": "array", "items": "string"},
    ],
)
def test_avro_types_that_differ(other: Any) -> None:
    assert not canonical.avro_equal("string", other)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("int", "int", "same"),
        ("int", "long", "widened"),
        ("long", "int", "changed"),
        ("Int32", "Int64", "widened"),
        ("Int64", "Int32", "changed"),
        ("Int32", "Float64", "changed"),
        ("Float32", "Float64", "widened"),
        ("decimal(9, 2)", "decimal(12, 2)", "widened"),
        ("Decimal(9,2)", "Decimal(12,2)", "widened"),
        ("Decimal(12,2)", "Decimal(9,2)", "changed"),
        ("Decimal(9,2)", "Decimal(12,3)", "changed"),
        ("Int32", "Nullable(Int32)", "relaxed"),
        ("Int32", "Nullable(Int64)", "relaxed"),
        ("Nullable(Int32)", "Nullable(Int64)", "widened"),
        ("Nullable(Int32)", "Int32", "tightened"),
        ("Nullable(Int32)", "Int64", "tightened"),
        ("Nullable(Int64)", "Int32", "changed"),
        ("LowCardinality(String)", "LowCardinality(Nullable(String))", "relaxed"),
        ("LowCardinality(Nullable(String))", "LowCardinality(String)", "tightened"),
        ("String", "LowCardinality(String)", "changed"),
        ("DateTime64(3,'UTC')", "DateTime64(6,'UTC')", "changed"),
    ],
)
def test_widening(before: str, after: str, verdict: str) -> None:
    assert widening.compare(before, after) == verdict
