"""Datasets that are loaded from the lake: files, marts, and what PostgreSQL serves; what they are planned as."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Decimal, Primitive
from headrace.planning import ddl, serving
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.impact import impact_of
from headrace.planning.marts import marts, origins, reads
from headrace.planning.streams import stream_plans
from tests.unit.planning.cases import (
    INT,
    LINES,
    LONG,
    SETTINGS,
    VIEWS,
    assert_snapshot,
    field,
    plan_of,
    with_field,
    without_field,
    world,
)

FILE = replace(
    LINES,
    id="retail.offers",
    name="offers",
    source=Source("file", "landing"),
    tokenised=("household_id",),
    classifications={"household_id": "pseudonymous"},
    path="include/schemas/retail/offers.avsc",
)
MART = replace(LINES, id="marts.baskets", domain="marts", name="baskets", source=Source("mart"), zones=("cleaned",))
SERVED = replace(LINES, serving="postgres")


def kinds(contract: Contract) -> list[tuple[str, str]]:
    return [resource.key for resource in desired([contract], SETTINGS)]


def test_a_file_has_lake_tables_and_one_table_and_nothing_of_kafka() -> None:
    assert kinds(FILE) == [
        ("lake_table", "cleaned.retail_offers"),
        ("lake_table", "raw.retail_offers"),
        ("warehouse_table", "retail.offers"),
    ]
    assert not stream_plans([FILE])


def test_a_mart_has_a_cleaned_table_without_positions() -> None:
    assert kinds(MART) == [("lake_table", "cleaned.marts_baskets"), ("warehouse_table", "marts.baskets")]
    lake, _ = desired([MART], SETTINGS)
    assert [column["name"] for column in lake.spec["columns"]] == [f.name for f in MART.record.fields]


def test_what_postgres_serves_keeps_its_way_through_kafka() -> None:
    assert ("serving_table", "retail.basket_lines") in kinds(SERVED)
    assert ("topic", "oltp.retail.basket_lines") in kinds(SERVED)
    assert not [name for kind, name in kinds(SERVED) if kind.startswith("warehouse")]


def test_a_token_is_text_in_the_store() -> None:
    for contract, kind in ((FILE, "warehouse_table"), (replace(FILE, serving="postgres"), "serving_table")):
        (table,) = (r for r in desired([contract], SETTINGS) if r.kind == kind)
        column = table.column("household_id")
        assert column
        assert column["type"] in ("Nullable(String)", "text")


@pytest.mark.parametrize("contract", [FILE, replace(FILE, serving="postgres")], ids=["clickhouse", "postgres"])
def test_create_statements(contract: Contract) -> None:
    plan = diff(desired([contract], SETTINGS), ())
    made = {"warehouse_table": ddl.statements, "serving_table": serving.statements}
    text = [f"{s};" for c in plan.changes if c.resource.kind in made for s in made[c.resource.kind](c)]
    assert_snapshot(f"offers.{contract.serving}.sql", "\n\n".join(text))


def test_postgres_tables_are_altered() -> None:
    after = with_field(SERVED, field("quantity", 4, LONG))
    after = with_field(after, field("sales_value", 5, Decimal(14, 2)))
    after = with_field(after, field("weight", 9, Decimal(9, 3), nullable=True))
    after = with_field(after, replace(field("channel", 6, Primitive("string")), doc="It's how."))
    changes = [c for c in plan_of(after, there=world(SERVED)).changes if c.resource.kind == "serving_table"]
    assert_snapshot(
        "basket_lines.postgres_alter.sql", "\n".join(f"{s};" for c in changes for s in serving.statements(c))
    )


def test_postgres_tables_are_kept_from_harm() -> None:
    narrower = with_field(SERVED, field("basket_id", 1, INT))
    for after, about in (
        (without_field(SERVED, "channel"), "column-removed"),
        (narrower, "key-changed"),
        (replace(SERVED, key=("basket_id",)), "key-changed"),
    ):
        plan = plan_of(after, there=world(SERVED))
        refused = {r.rule for r in plan.refusals if any("serving_table" in name for name in r.resources)}
        assert refused == {about}
        (change,) = (c for c in plan.changes if c.resource.kind == "serving_table")
        with pytest.raises(ValueError, match="the rules refuse"):
            serving.statements(change)


def test_applied_again_nothing_is_left() -> None:
    for contract in (FILE, MART, SERVED):
        assert plan_of(contract, there=world(contract)).empty


def test_a_change_of_a_file_hits_its_tables_and_no_stream() -> None:
    impact = impact_of([FILE.id], [FILE, VIEWS])
    assert impact.tables == ("cleaned.retail_offers", "raw.retail_offers", "retail.offers")
    assert (impact.streams, impact.views) == ((), ())


def test_what_a_mart_reads_stands_in_its_sql() -> None:
    sql = "-- FROM cleaned.none\nSELECT 1 FROM cleaned.retail_offers o\n JOIN cleaned.retail_basket_lines USING (x)"
    assert [c.id for c in reads(sql, [FILE, LINES, MART])] == ["retail.basket_lines", "retail.offers"]
    assert marts([FILE, MART]) == (MART,)
    with pytest.raises(ValueError, match=r"it reads cleaned\.nothing, which no contract declares; known: cleaned"):
        reads("SELECT 1 FROM cleaned.nothing", [FILE])
    with pytest.raises(ValueError, match="it reads no cleaned table"):
        reads("SELECT 1", [FILE])


def test_columns_of_a_mart_are_made_of_fields_through_its_parts() -> None:
    sql = """
        WITH sold AS (SELECT basket_id, sum(sales_value) AS sales, count(*) AS times FROM cleaned.retail_basket_lines
                       GROUP BY basket_id)
        SELECT s.basket_id AS a, s.sales / max(o.quantity) AS b, s.times AS c
          FROM sold s JOIN cleaned.retail_offers o USING (basket_id) GROUP BY ALL"""
    fields = tuple(replace(MART.record.fields[0], name=name) for name in "abc")
    mart = replace(MART, record=replace(MART.record, fields=fields))
    lines, offers = "cleaned.retail_basket_lines", "cleaned.retail_offers"
    assert origins(sql, mart, [FILE, LINES]) == {
        "a": ((lines, "basket_id"),),
        "b": ((lines, "sales_value"), (offers, "quantity")),
        "c": (),
    }
