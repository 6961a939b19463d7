from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Array, AvroType, Date, Decimal, Enum, Field, Primitive, Record, Timestamp, Uuid
from headrace.systems.oltp.drift import Source as Database
from headrace.systems.oltp.drift import carries, drift
from headrace.systems.oltp.hook import Column, Publication, Table

FIELDS = (
    Field("id", 1, Primitive("long")),
    Field("total", 2, Decimal(12, 2)),
    Field("note", 3, Primitive("string"), nullable=True),
)
CONTRACT = Contract(
    "shop.orders", "shop", "orders", "1.0.0", "till", Record("Orders", "shop", "", FIELDS), ("id",),
    Source("cdc", "oltp", "shop.orders", "envelope"), ("raw",), "clickhouse", path="include/schemas/shop/orders.avsc",
)  # fmt: skip
TABLE = Table(
    "shop.orders",
    (
        Column("id", "bigint", False, True),
        Column("total", "numeric(12,2)", False, False),
        Column("note", "text", True, False),
    ),
)
PUBLICATION = Publication(via_root=False, every_operation=True, tables=frozenset({"shop.orders"}))
DATABASE = Database(PUBLICATION)
PARTITIONED = TABLE._replace(partitioned=True, partitions=("shop.orders_1",))


def _with(name: str, **change: object) -> Table:
    columns = tuple(c._replace(**change) if c.name == name else c for c in TABLE.columns)  # type: ignore[arg-type]
    return TABLE._replace(columns=columns)


def _without(name: str) -> Table:
    return TABLE._replace(columns=tuple(column for column in TABLE.columns if column.name != name))


def test_a_table_as_the_contract_expects_it_does_not_drift() -> None:
    assert drift(CONTRACT, TABLE, DATABASE) == ()
    via_root = replace(DATABASE, publication=PUBLICATION._replace(via_root=True))
    assert drift(CONTRACT, PARTITIONED, via_root) == ()


@pytest.mark.parametrize(
    ("table", "database", "rule", "about", "run"),
    [
        (None, DATABASE, "missing-table", "shop.orders", "Create the table, or name another one in the contract."),
        (_without("total"), DATABASE, "missing-column", 'field "total"', "Add the column to the table first."),
        (_with("total", type="numeric(12,4)"), DATABASE, "other-type", 'field "total"', "Make them the same."),
        (_with("note", nullable=False), DATABASE, "other-nullability", 'field "note"', "Make them the same."),
        (_with("total", in_key=True), DATABASE, "other-key", "shop.orders", "Make them the same."),
        (_with("total", generated=True), DATABASE, "generated-column", 'field "total"', "that a trigger fills."),
        (
            TABLE,
            replace(DATABASE, publication=None),
            "no-publication",
            "shop.orders",
            "CREATE PUBLICATION headrace_oltp FOR TABLE shop.orders WITH (publish_via_partition_root = true);",
        ),
        (
            TABLE,
            replace(DATABASE, publication=PUBLICATION._replace(every_operation=False)),
            "no-publication",
            "shop.orders",
            "ALTER PUBLICATION headrace_oltp SET (publish = 'insert, update, delete, truncate');",
        ),
        (
            TABLE,
            replace(DATABASE, publication=PUBLICATION._replace(tables=frozenset())),
            "not-published",
            "shop.orders",
            "ALTER PUBLICATION headrace_oltp ADD TABLE shop.orders;",
        ),
        (
            PARTITIONED,
            DATABASE,
            "not-via-root",
            "shop.orders",
            "ALTER PUBLICATION headrace_oltp SET (publish_via_partition_root = true);",
        ),
        (
            TABLE._replace(not_full=("shop.orders", "shop.orders_1")),
            DATABASE,
            "identity-not-full",
            "shop.orders",
            "ALTER TABLE shop.orders REPLICA IDENTITY FULL; ALTER TABLE shop.orders_1 REPLICA IDENTITY FULL;",
        ),
        (
            TABLE._replace(usable=False, readable=False),
            DATABASE,
            "not-readable",
            "shop.orders",
            "GRANT USAGE ON SCHEMA shop TO cdc; GRANT SELECT ON shop.orders TO cdc;",
        ),
        (
            TABLE,
            replace(DATABASE, empty_enums=("public.mood",)),
            "empty-enum",
            "public.mood",
            "ALTER TYPE public.mood ADD VALUE '…'; or: DROP TYPE public.mood;",
        ),
    ],
)
def test_what_cannot_be_captured_faithfully_is_breaking_with_the_statements_to_run(
    table: Table | None, database: Database, rule: str, about: str, run: str
) -> None:
    (found,) = drift(CONTRACT, table, database)
    assert (found.rule, found.about, found.breaking) == (rule, about, True)
    assert found.message.startswith("include/schemas/shop/orders.avsc: ")
    assert found.message.endswith(run)


def test_a_nullable_column_may_come_after_its_contract() -> None:
    (found,) = drift(CONTRACT, _without("note"), DATABASE)
    assert (found.rule, found.about, found.breaking) == ("missing-column", 'field "note"', False)


def test_a_column_that_the_contract_does_not_have_is_only_noted() -> None:
    table = TABLE._replace(columns=(*TABLE.columns, Column("fresh", "text", True, False)))
    (found,) = drift(CONTRACT, table, DATABASE)
    assert (found.rule, found.about, found.breaking) == ("undeclared-column", 'column "fresh"', False)


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
        ("xml", Primitive("string"), True),
        ("xml[]", Array(Primitive("string"), 1, True), False),
        ("mood", Enum("Mood", ("good",)), True),
        ("text", Enum("Mood", ("good",)), False),
    ],
)
def test_which_column_types_carry_which_avro_types(column: str, avro: AvroType, same: bool) -> None:
    assert carries(column, avro) is same
