"""Statements for the warehouse: quoting, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.contracts.types import MISSING, Array, Date, Decimal, Enum, Map, Primitive, Timestamp
from headrace.planning import ddl, defaults
from headrace.planning.diff import diff
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from tests.unit.planning.cases import (
    LINES,
    STRING,
    field,
    plan_of,
    without_field,
    world,
)

TABLE = Resource(
    "warehouse_table",
    "d.t`x",
    {
        "columns": [{"name": "order", "type": "String", "comment": "it's \\ `q`"}],
        "engine": "MergeTree",
        "order_by": "",
        "settings": {"a": "b'c", "n": 1},
    },
)


def test_names_and_texts_are_quoted() -> None:
    assert ddl.create_table(TABLE) == (
        "CREATE TABLE IF NOT EXISTS `d`.`t\\`x`\n"
        "(\n    `order` String COMMENT 'it\\'s \\\\ `q`'\n)\n"
        "ENGINE = MergeTree\n"
        "ORDER BY tuple()\n"
        "SETTINGS a = 'b\\'c', n = 1"
    )


def test_a_setting_is_modified() -> None:
    wanted = replace(TABLE, spec={**TABLE.spec, "settings": {"a": "b'c", "n": 2}})
    [change] = diff([wanted], [TABLE]).changes
    assert ddl.statements(change) == ("ALTER TABLE `d`.`t\\`x` MODIFY SETTING n = 2",)


def test_a_first_column_is_added_first() -> None:
    column = {"name": "a", "type": "Nullable(Int32)"}
    wanted = replace(TABLE, spec={**TABLE.spec, "columns": [column, *TABLE.spec["columns"]]})
    [change] = diff([wanted], [TABLE]).changes
    assert ddl.statements(change) == ("ALTER TABLE `d`.`t\\`x` ADD COLUMN IF NOT EXISTS `a` Nullable(Int32) FIRST",)


def test_nothing_is_dropped_and_nothing_refused_is_carried_out() -> None:
    refused = plan_of(without_field(LINES, "channel"), there=world(LINES))
    table = next(c for c in refused.changes if c.resource.kind == "warehouse_table")
    with pytest.raises(ValueError, match="the rules refuse"):
        ddl.statements(table)
    with pytest.raises(ValueError, match="a plan never deletes it"):
        ddl.statements(Change("delete", TABLE, TABLE))
    with pytest.raises(ValueError, match="is not in the warehouse"):
        ddl.statements(Change("create", Resource("topic", "t", {})))


@pytest.mark.parametrize(
    ("type_", "default", "expression"),
    [
        (STRING, MISSING, None),
        (STRING, "it's \\", "CAST('it\\'s \\\\', 'String')"),
        (Primitive("boolean"), True, "true"),
        (Primitive("long"), -3, "-3"),
        (Primitive("double"), 1.5, "1.5"),
        (Primitive("bytes"), "\u00ff\u0001", "unhex('ff01')"),
        (Decimal(12, 2), "\u0080", "CAST('-1.28', 'Decimal(12, 2)')"),
        (Date(), 19000, "CAST('2022-01-08', 'Date32')"),
        (
            Timestamp("millis"),
            -5,
            "CAST('1969-12-31 23:59:59.995000', 'DateTime64(3, \\'UTC\\')')",
        ),
        (Enum("E", ("A", "B")), "B", "CAST('B', 'LowCardinality(String)')"),
        (Array(STRING, 2), [], "[]"),
        (Array(STRING, 2), ["a"], None),
        (Map(STRING, 2, 3), {}, "map()"),
    ],
)
def test_defaults(type_: object, default: object, expression: str | None) -> None:
    assert defaults.expression(field("x", 1, type_, default=default)) == expression  # type: ignore[arg-type]


def test_a_default_of_null_needs_no_expression() -> None:
    assert defaults.expression(field("x", 1, STRING, nullable=True)) is None
