from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Array, AvroType, Date, Decimal, Enum, Field, Primitive, Record, Timestamp, Uuid
from headrace.systems.oltp.drift import carries, drift
from headrace.systems.oltp.hook import Column, Table

FIELDS = (
    Field("id", 1, Primitive("long")),
    Field("total", 2, Decimal(12, 2)),
    Field("note", 3, Primitive("string"), nullable=True),
)
CONTRACT = Contract(
    "shop.orders", "shop", "orders", "1.0.0", "till", Record("Orders", "shop", "", FIELDS), ("id",),
    Source("cdc", "oltp", "shop.orders"), ("raw",), "clickhouse", path="include/schemas/shop/orders.avsc",
)  # fmt: skip
TABLE = Table(
    "shop.orders",
    (
        Column("id", "bigint", False, True),
        Column("total", "numeric(12,2)", False, False),
        Column("note", "text", True, False),
    ),
    True,
)
PUBLISHED = {"shop.orders"}


def _with(name: str, **change: object) -> Table:
    columns = tuple(c._replace(**change) if c.name == name else c for c in TABLE.columns)  # type: ignore[arg-type]
    return TABLE._replace(columns=columns)


def _without(name: str) -> Table:
    return TABLE._replace(columns=tuple(column for column in TABLE.columns if column.name != name))


def test_a_table_as_the_contract_expects_it_does_not_drift() -> None:
    assert drift(CONTRACT, TABLE, PUBLISHED) == ()


@pytest.mark.parametrize(
    ("table", "published", "rule", "about"),
    [
        (None, PUBLISHED, "missing-table", "shop.orders"),
        (_without("total"), PUBLISHED, "missing-column", 'field "total"'),
        (_with("total", type="numeric(12,4)"), PUBLISHED, "other-type", 'field "total"'),
        (_with("note", nullable=False), PUBLISHED, "other-nullability", 'field "note"'),
        (_with("total", in_key=True), PUBLISHED, "other-key", "shop.orders"),
        (TABLE, set(), "not-published", "shop.orders"),
        (TABLE._replace(identity_full=False), PUBLISHED, "identity-not-full", "shop.orders"),
    ],
)
def test_what_cannot_be_captured_faithfully_breaks(
    table: Table | None, published: set[str], rule: str, about: str
) -> None:
    (found,) = drift(CONTRACT, table, published)
    assert (found.rule, found.about, found.breaking) == (rule, about, True)
    assert found.message.startswith("include/schemas/shop/orders.avsc: ")
    assert found.message.endswith(".")


def test_a_nullable_column_may_come_after_its_contract() -> None:
    (found,) = drift(CONTRACT, _without("note"), PUBLISHED)
    assert (found.rule, found.about, found.breaking) == ("missing-column", 'field "note"', False)


def test_a_column_that_the_contract_does_not_know_is_only_said() -> None:
    table = TABLE._replace(columns=(*TABLE.columns, Column("fresh", "text", True, False)))
    (found,) = drift(CONTRACT, table, PUBLISHED)
    assert (found.rule, found.about, found.breaking) == ("undeclared-column", 'column "fresh"', False)


def test_the_message_says_what_to_do() -> None:
    (found,) = drift(replace(CONTRACT, path=""), TABLE._replace(identity_full=False), PUBLISHED)
    assert found.message == (
        "shop.orders: shop.orders does not log whole old rows. ALTER TABLE shop.orders REPLICA IDENTITY FULL."
    )


@pytest.mark.parametrize(
    ("column", "avro", "same"),
    [
        ("bigint", Primitive("long"), True),
        ("integer", Primitive("long"), False),
        ("smallint", Primitive("int"), True),
        ("character varying(40)", Primitive("string"), True),
        ("jsonb", Primitive("string"), True),
        ("numeric", Decimal(12, 2), False),
        ("numeric(12,2)", Decimal(12, 2), True),
        ("date", Date(), True),
        ("timestamp(3) with time zone", Timestamp("micros"), True),
        ("timestamp without time zone", Timestamp("micros"), False),
        ("uuid", Uuid(), True),
        ("text[]", Array(Primitive("string"), 1, True), True),
        ("text[]", Array(Primitive("long"), 1, True), False),
        ("text", Array(Primitive("string"), 1, True), False),
        ("mood", Enum("Mood", ("good",)), True),
        ("text", Enum("Mood", ("good",)), False),
    ],
)
def test_which_column_types_carry_which_avro_types(column: str, avro: AvroType, same: bool) -> None:
    assert carries(column, avro) is same
