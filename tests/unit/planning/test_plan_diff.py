"""The plan: what is compared and what is not, in which order, and what is only noted."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts.types import Decimal
from headrace.planning.desired import desired
from headrace.planning.diff import Plan, diff
from headrace.planning.impact import Dependent
from headrace.planning.resources import KINDS, Resource, dumps, from_json, loads
from tests.unit.planning.cases import (
    INT,
    LINES,
    LONG,
    SETTINGS,
    VIEWS,
    applied,
    field,
    plan_of,
    with_field,
    without_field,
    world,
)

CDC = ("connector", "cdc-oltp")
STATE = ("warehouse_table", "retail.basket_lines_state")
VALUE = ("subject", "oltp.retail.basket_lines-value")


def details(plan: Plan) -> list[tuple[str, str, Any, Any]]:
    return [(c.resource.name, d.path, d.before, d.after) for c in plan.changes for d in c.details]


def edited(there: dict[Any, Resource], key: Any, **spec: Any) -> dict[Any, Resource]:
    """The world with some keys of one resource's spec merged into what they hold."""
    found = copy.deepcopy(dict(there[key].spec))
    for name, value in spec.items():
        found[name] = {**found[name], **value} if isinstance(value, dict) else value
    return {**there, key: replace(there[key], spec=found)}


def test_the_first_plan_creates_everything_in_safe_order() -> None:
    plan = plan_of(LINES, VIEWS, there=())
    kinds = [KINDS.index(change.resource.kind) for change in plan.changes]
    assert kinds == sorted(kinds)
    assert {change.action for change in plan.changes} == {"create"}
    assert [c.resource.key for c in plan.changes] == [r.key for r in desired([LINES, VIEWS], SETTINGS)]


def test_a_second_plan_is_empty() -> None:
    plan = plan_of(LINES, VIEWS, there=world(LINES, VIEWS))
    assert plan.empty
    assert plan == Plan()


def test_a_new_column_keeps_its_place_and_goes_before_everything_that_needs_it() -> None:
    after = with_field(LINES, field("weight", 9, Decimal(9, 3), nullable=True))
    plan = plan_of(after, there=world(LINES))
    assert [(c.resource.kind, c.resource.name) for c in plan.changes] == [
        ("lake_table", "cleaned.retail_basket_lines"),
        ("lake_table", "raw.retail_basket_lines"),
        ("warehouse_table", "retail.basket_lines_changes"),
        ("warehouse_table", "retail.basket_lines_state"),
        ("warehouse_view", "retail.basket_lines"),
        ("subject", "oltp.retail.basket_lines-value"),
        ("connector", "lake-retail"),  # its open writers hold the columns as they were
    ]
    assert plan.changes[0].added_columns == ("weight",)
    assert plan.changes[0].altered_columns == ()


def test_altered_columns_are_distinguished_from_added_ones() -> None:
    after = with_field(LINES, field("quantity", 4, LONG))
    assert plan_of(after, there=world(LINES)).changes[0].altered_columns == ("quantity",)


def test_a_new_dataset_joins_the_connectors_of_its_neighbours() -> None:
    other = replace(
        LINES,
        id="retail.baskets",
        name="baskets",
        source=replace(LINES.source, table="retail.baskets"),
    )
    plan = plan_of(LINES, other, there=world(LINES))
    updates = {c.resource.name: c for c in plan.changes if c.action == "update"}
    assert sorted(updates) == ["cdc-oltp", "lake-retail"]
    [tables] = updates["cdc-oltp"].details
    assert tables.rule == "source-tables-changed"
    assert (tables.before, tables.after) == (
        "retail.basket_lines",
        "retail.basket_lines,retail.baskets",
    )


@pytest.mark.parametrize(
    ("key", "more"),
    [
        (("topic", "oltp.retail.basket_lines"), {"config": {"segment.bytes": "1"}}),
        (CDC, {"config": {"name": "cdc-oltp", "errors.log.enable": "true"}}),
        (STATE, {"settings": {"index_granularity": "8192"}}),
        (("lake_table", "raw.retail_basket_lines"), {"properties": {"owner": "root"}}),
    ],
)
def test_what_is_not_declared_is_not_compared(key: Any, more: dict[str, Any]) -> None:
    assert plan_of(LINES, there=edited(world(LINES), key, **more)).empty


def test_ids_order_and_defaults_of_columns_are_not_compared() -> None:
    there = world(LINES)
    for key in (("lake_table", "raw.retail_basket_lines"), STATE):
        columns = [{**c, "id": 900 + i, "default": "7"} for i, c in enumerate(reversed(there[key].spec["columns"]))]
        there = edited(there, key, columns=columns)
    assert plan_of(LINES, there=there).empty


def test_drifted_config_is_set_back() -> None:
    drifted = edited(world(LINES), CDC, config={"poll.interval.ms": 500})
    plan = plan_of(LINES, there=drifted)
    assert details(plan) == [("cdc-oltp", "config.poll.interval.ms", "500", "20")]
    assert plan_of(LINES, there=applied(drifted, plan)).empty


def test_a_missing_config_is_set() -> None:
    there = world(LINES)
    del there[CDC].spec["config"]["max.batch.size"]
    assert details(plan_of(LINES, there=there)) == [("cdc-oltp", "config.max.batch.size", None, "8192")]


def test_a_secret_that_stands_in_a_config_is_not_shown() -> None:
    leaked = edited(world(LINES), CDC, config={"database.password": "hunter2"})
    plan = plan_of(LINES, there=leaked)
    assert details(plan) == [("cdc-oltp", "config.database.password", "(hidden)", "${env:HEADRACE_PASSWORD_CDC}")]
    assert "hunter2" not in plan.changes[0].details[0].message


def test_only_own_connectors_are_deleted_and_all_else_is_noted() -> None:
    plan = plan_of(VIEWS, there=world(LINES, VIEWS), owned={"cdc-oltp", "lake-web"})
    assert [(c.action, c.resource.name) for c in plan.changes] == [("delete", "cdc-oltp")]
    orphans = {resource.key for resource in plan.orphans}
    assert ("connector", "lake-retail") in orphans
    assert STATE in orphans
    assert ("topic", "oltp.retail.basket_lines") in orphans
    assert CDC not in orphans
    assert ("connector", "lake-web") not in orphans


def test_a_connector_is_removed_before_its_successor_starts() -> None:
    moved = replace(VIEWS, id="site.page_views", domain="site", stream_group="site")
    plan = plan_of(moved, there=world(VIEWS), owned={"lake-web"})
    connectors = [(c.action, c.resource.name) for c in plan.changes if c.resource.kind == CDC[0]]
    assert connectors == [("delete", "lake-web"), ("create", "lake-site")]


def test_a_column_that_only_the_source_has_is_drift_not_a_change() -> None:
    there = world(LINES)
    ahead = with_field(LINES, field("colour", 30, INT, nullable=True))
    there[VALUE] = world(ahead)[VALUE]
    plan = plan_of(LINES, there=there)
    assert plan.empty
    [note] = plan.notes
    assert note.kind == "drift"
    assert '"colour"' in note.message
    assert LINES.id in note.message


def test_what_debezium_registers_beside_the_row_is_not_compared() -> None:
    there = world(LINES)
    schema = there[VALUE].spec["schema"]
    row = schema["fields"][0]["type"][1]
    row["fields"].reverse()
    row["fields"][0]["doc"] = "by the database"
    next(f for f in row["fields"] if f["name"] == "channel")["default"] = "web"
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "ts_ns"]
    assert plan_of(LINES, there=there).empty


def test_a_source_column_of_another_type_is_refused() -> None:
    there = world(LINES)
    there[VALUE] = world(with_field(LINES, field("quantity", 4, LONG)))[VALUE]
    plan = plan_of(LINES, there=there)
    assert [(r.rule, r.about) for r in plan.refusals] == [("schema-incompatible", 'field "quantity"')]


def test_events_may_lose_a_field_in_the_registry_but_not_in_tables() -> None:
    plan = plan_of(without_field(VIEWS, "tags"), there=world(VIEWS))
    assert {r.rule for r in plan.refusals} == {"column-removed"}
    assert all("subject" not in name for r in plan.refusals for name in r.resources)


def test_a_forward_compatible_subject_refuses_a_lost_field() -> None:
    forward = replace(VIEWS, compatibility="FORWARD")
    plan = plan_of(without_field(forward, "marks"), there=world(forward))
    assert ("schema-incompatible", 'field "marks"') in {(r.rule, r.about) for r in plan.refusals}


def test_refusals_name_what_code_makes_of_the_dataset() -> None:
    metric = Dependent("table", "metrics.sales_by_minute", frozenset({LINES.id}))
    other = Dependent("view", "metrics.visits", frozenset({VIEWS.id}))
    after = with_field(LINES, field("sales_value", 5, Decimal(12, 4)))
    plan = plan_of(after, there=world(LINES), dependents=[metric, other])
    assert all("metrics.sales_by_minute" in refusal.message for refusal in plan.refusals)
    assert all("metrics.visits" not in refusal.message for refusal in plan.refusals)


def test_one_refusal_speaks_for_all_tables_that_show_it() -> None:
    after = with_field(LINES, field("sales_value", 5, Decimal(12, 4)))
    plan = plan_of(after, there=world(LINES))
    assert [r.rule for r in plan.refusals] == ["type-changed", "schema-incompatible"]
    assert len(plan.refusals[0].resources) == 4


def test_resources_survive_json() -> None:
    wanted = desired([LINES, VIEWS], SETTINGS)
    assert loads(dumps(wanted)) == wanted
    assert diff(wanted, loads(dumps(wanted))).empty


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of resource 'queue'"):
        from_json({"kind": "queue", "name": "x", "spec": {}})
