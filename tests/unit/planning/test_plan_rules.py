"""Each refusing rule is broken once, and the neighbouring allowed change is let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Decimal, Field, Primitive, Timestamp
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.resources import Resource
from headrace.planning.rules import RULES
from tests.unit.planning.cases import (
    INT,
    LINES,
    LONG,
    PEOPLE,
    SETTINGS,
    STRING,
    VIEWS,
    applied,
    field,
    plan_of,
    with_field,
    without_field,
    world,
)

Edit = Callable[[dict[str, Any]], None]
STATE, RAW = "warehouse_table retail.basket_lines_state", "lake_table raw.retail_basket_lines"
TOPIC, SUBJECT = "topic oltp.retail.basket_lines", "subject oltp.retail.basket_lines-value"
CHANNEL, QUANTITY = LINES.record.fields[5], LINES.record.fields[3]


def changed(changed_field: Field) -> Contract:
    return with_field(LINES, changed_field)


def source(table: str) -> Contract:
    return replace(LINES, source=Source("cdc", "oltp", table, "envelope"))


REFUSED_CONTRACTS: list[tuple[str, str, str, Contract]] = [
    ("column-removed", 'field "channel"', RAW, without_field(LINES, "channel")),
    ("column-removed", 'field "channel"', STATE, without_field(LINES, "channel")),
    ("column-without-value", 'field "till"', STATE, changed(field("till", 20, INT))),
    ("schema-incompatible", 'field "till"', SUBJECT, changed(field("till", 20, INT))),
    ("type-changed", 'field "quantity"', RAW, changed(field("quantity", 4, STRING))),
    ("type-changed", 'field "quantity"', STATE, changed(field("quantity", 4, STRING))),
    ("type-changed", 'field "sales_value"', RAW, changed(field("sales_value", 5, Decimal(14, 4)))),
    ("type-changed", 'field "sales_value"', STATE, changed(field("sales_value", 5, Decimal(9, 2)))),
    ("schema-incompatible", 'field "quantity"', SUBJECT, changed(field("quantity", 4, STRING))),
    (
        "nullable-to-required",
        'field "household_id"',
        STATE,
        changed(field("household_id", 3, LONG)),
    ),
    ("key-changed", 'field "basket_id"', STATE, changed(field("basket_id", 1, STRING))),
    ("key-changed", "order_by", STATE, replace(LINES, key=("basket_id",))),
    ("order-changed", "order_by", STATE, replace(LINES, key=("product_id", "basket_id"))),
    (
        "key-changed",
        'field "product_id"',
        "subject oltp.retail.basket_lines-key",
        replace(LINES, key=("basket_id",)),
    ),
    ("partitions-changed", "partitions", TOPIC, replace(LINES, partitions=4)),
    ("source-changed", "properties.headrace.topic", RAW, source("retail.lines")),
    ("source-changed", 'field "_offset"', STATE, source("retail.lines")),
]  # fmt: skip
"""Rule, what it is about, where it shows, the contract that breaks it."""


@pytest.mark.parametrize(("rule", "about", "resource", "contract"), REFUSED_CONTRACTS)
def test_a_contract_that_breaks_a_rule_is_refused(rule: str, about: str, resource: str, contract: Contract) -> None:
    plan = plan_of(contract, there=world(LINES))
    found = [r for r in plan.refusals if (r.rule, r.about) == (rule, about)]
    assert len(found) == 1, [(r.rule, r.about) for r in plan.refusals]
    assert resource in found[0].resources
    message = found[0].message
    assert message.startswith(f"{LINES.path}: {about}: ")
    for name in (rule, *found[0].resources, *found[0].impact.tables, *found[0].impact.streams):
        assert name in message
    assert found[0].impact.views == ("retail.basket_lines",)
    assert message.endswith(".")


def spec_edit(path: str, value: Any) -> Edit:
    def edit(spec: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            spec = spec[parent]
        spec[last] = value

    return edit


REFUSED_OBSERVED: list[tuple[str, str, str, Edit]] = [
    ("engine-changed", "engine", STATE, spec_edit("engine", "MergeTree")),
    ("engine-changed", "engine", STATE, spec_edit("engine", "ReplacingMergeTree(_lsn, _deleted)")),
    (
        "partitioning-changed", "partition_by", "warehouse_table retail.basket_lines_changes",
        spec_edit("partition_by", "toDate(_committed_at)"),
    ),
    ("partitioning-changed", "partition", RAW, spec_edit("partition", ["month(_committed_at)"])),
    ("format-changed", "properties.format-version", RAW, spec_edit("properties/format-version", 3)),
    (
        "source-changed", "config.slot.name", "connector cdc-oltp",
        spec_edit("config/slot.name", "other"),
    ),
    (
        "source-changed", "config.topic.prefix", "connector cdc-oltp",
        spec_edit("config/topic.prefix", "other"),
    ),
]  # fmt: skip
"""Rule, what it is about, resource, what the system has instead of what is declared."""


@pytest.mark.parametrize(("rule", "about", "resource", "edit"), REFUSED_OBSERVED)
def test_a_system_that_differs_beyond_repair_is_refused(rule: str, about: str, resource: str, edit: Edit) -> None:
    there = world(LINES)
    kind, name = resource.split()
    edit(dict_of(there[kind, name]))  # type: ignore[index]
    plan = plan_of(LINES, there=there)
    assert [(r.rule, r.about, r.resources) for r in plan.refusals] == [(rule, about, (resource,))]


def test_a_lake_column_that_becomes_required_is_refused() -> None:
    wanted = desired([LINES], SETTINGS)
    there = world(LINES)
    raw = next(r for r in wanted if r.name.startswith("raw."))
    dict_of(raw)["columns"][0]["required"] = True
    plan = diff(wanted, there.values(), contracts=[LINES])
    assert [(r.rule, r.about) for r in plan.refusals] == [("nullable-to-required", 'field "basket_id"')]


def test_a_new_required_lake_column_is_refused() -> None:
    wanted = desired([LINES], SETTINGS)
    raw = next(r for r in wanted if r.name.startswith("raw."))
    column = {"name": "till", "type": "int", "required": True, "id": 99, "doc": ""}
    raw.spec["columns"].append(column)
    plan = diff(wanted, world(LINES).values(), contracts=[LINES])
    assert [(r.rule, r.about) for r in plan.refusals] == [("column-without-value", 'field "till"')]


def test_another_version_would_choose_other_rows_and_is_refused() -> None:
    other = replace(PEOPLE, source=replace(PEOPLE.source, version="person_id"))
    (refusal,) = plan_of(other, there=world(PEOPLE)).refusals
    assert refusal.rule == "version-changed"
    assert "the newest by changed_at → " in refusal.message
    assert "the newest by person_id" in refusal.message


def test_every_refusing_rule_is_tried_here() -> None:
    tried = {case[0] for case in (*REFUSED_CONTRACTS, *REFUSED_OBSERVED)}
    assert tried | {"version-changed"} == {rule.id for rule in RULES if rule.breaking}


@pytest.mark.parametrize(
    "contract",
    [
        changed(field("quantity", 4, LONG)),
        changed(field("quantity", 4, INT, nullable=True)),
        changed(field("sales_value", 5, Decimal(14, 2))),
        changed(field("till", 20, INT, nullable=True)),
        changed(field("till", 20, INT, default=1)),
        changed(replace(CHANNEL, doc="Where it was sold.")),
        replace(LINES, compatibility="FULL"),
        replace(LINES, version="1.1.0"),
    ],
    ids=["int-to-long", "to-nullable", "precision", "add-null", "add-default", "doc", "level", "v"],
)
def test_an_allowed_change_is_planned_and_converges(contract: Contract) -> None:
    there = world(LINES)
    plan = plan_of(contract, there=there)
    assert plan.refusals == ()
    assert plan_of(contract, there=applied(there, plan)).empty


def test_float_may_become_double_but_not_back() -> None:
    narrow = changed(field("weight", 20, Primitive("float"), nullable=True))
    wide = changed(field("weight", 20, Primitive("double"), nullable=True))
    assert plan_of(wide, there=world(narrow)).refusals == ()
    assert {r.rule for r in plan_of(narrow, there=world(wide)).refusals} == {
        "type-changed",
        "schema-incompatible",
    }


def test_widening_a_key_is_refused() -> None:
    narrow = changed(field("basket_id", 1, INT))
    rules = {r.rule for r in plan_of(LINES, there=world(narrow)).refusals}
    assert rules == {"key-changed"}


def test_event_time_unit_is_refused_where_a_registry_would_not_see_it() -> None:
    micros = with_field(VIEWS, field("viewed_at", 8, Timestamp("micros")))
    refusals = plan_of(micros, there=world(VIEWS)).refusals
    assert {(r.rule, r.about) for r in refusals} == {
        ("type-changed", 'field "viewed_at"'),
        ("schema-incompatible", 'field "viewed_at"'),
    }


def test_the_topic_of_a_new_major_version_does_not_feed_the_old_tables() -> None:
    plan = plan_of(replace(VIEWS, version="3.0.0"), there=world(VIEWS))
    assert {r.rule for r in plan.refusals} == {"source-changed"}


def dict_of(resource: Resource) -> dict[str, Any]:
    assert isinstance(resource.spec, dict)
    return resource.spec
