"""Every generated artefact, reviewed like code: run with UPDATE_SNAPSHOTS=1 to write them anew."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts.contract import Contract
from headrace.contracts.types import Decimal
from headrace.planning import ddl
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.render import render, to_json
from headrace.planning.settings import Catalog
from tests.unit.planning.cases import (
    INT,
    LINES,
    LONG,
    PEOPLE,
    SETTINGS,
    VIEWS,
    assert_snapshot,
    field,
    plan_of,
    with_field,
    without_field,
    world,
)

BOTH = {"basket_lines": LINES, "page_views": VIEWS}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("kind", ["lake_table", "topic", "subject", "connector"])
def test_resources(name: str, kind: str) -> None:
    found = {r.name: r.spec for r in desired([BOTH[name]], SETTINGS) if r.kind == kind}
    assert_snapshot(f"{name}.{kind}.json", as_json(found))


@pytest.mark.parametrize("contract", [LINES, VIEWS, PEOPLE], ids=lambda contract: contract.name)
def test_create_statements(contract: Contract) -> None:
    plan = diff(desired([contract], SETTINGS), ())
    assert_snapshot(f"{contract.name}.create.sql", sql(plan))


def test_alter_statements() -> None:
    after = with_field(LINES, field("quantity", 4, LONG, nullable=True))
    after = with_field(after, field("weight", 9, Decimal(9, 3), nullable=True))
    after = with_field(after, field("till", 10, INT, default=1))
    after = with_field(after, replace(field("channel", 6, LINES.record.fields[5].type), doc="How."))
    assert_snapshot("basket_lines.alter.sql", sql(plan_of(after, there=world(LINES))))


def test_connectors_of_a_mixed_domain_on_a_jdbc_catalog() -> None:
    views = replace(VIEWS, id="retail.page_views", domain="retail")
    catalog = Catalog("jdbc", "jdbc:postgresql://postgres:5432/lake", "s3://lake", "http://minio")
    found = desired([LINES, views], replace(SETTINGS, catalog=catalog))
    specs = {r.name: r.spec for r in found if r.kind == "connector"}
    assert_snapshot("mixed_jdbc.connector.json", as_json(specs))


def test_first_plan_as_text() -> None:
    assert_snapshot("first_plan.txt", render(plan_of(LINES, VIEWS, there=())))


def test_refused_plan_as_text_and_as_json() -> None:
    plan = plan_of(VIEWS, refused_change(), there=world(LINES, VIEWS))
    assert_snapshot("refused_plan.txt", render(plan))
    assert_snapshot("refused_plan.json", as_json(to_json(plan)))


def refused_change() -> Contract:
    after = with_field(LINES, field("sales_value", 5, Decimal(12, 4)))
    after = with_field(after, field("weight", 9, Decimal(9, 3), nullable=True))
    return without_field(after, "channel")


def sql(plan: Any) -> str:
    kinds = ("warehouse_table", "warehouse_view")
    changes = [change for change in plan.changes if change.resource.kind in kinds]
    return "\n\n".join(f"{s};" for change in changes for s in ddl.statements(change))


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
