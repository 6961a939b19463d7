"""One dataset's trouble holds back that dataset and what depends on it, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headrace.contracts.contract import Contract, Need, Reference, Rule
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.planning.holding import Contracts, hold_back, invalid_check
from headrace.planning.plan import Plan
from headrace.planning.render import render
from headrace.planning.resources import Resource
from tests.unit.planning.cases import INT, LINES, SETTINGS, field, with_field, without_field, world

BASKETS = replace(
    LINES,
    id="retail.baskets",
    name="baskets",
    source=replace(LINES.source, table="retail.baskets"),
    path="baskets.avsc",
)
BROKEN = without_field(LINES, "channel")
MORE = with_field(BASKETS, field("age", 30, INT, nullable=True))


def by_id(*contracts: Contract) -> Contracts:
    return {contract.id: contract for contract in contracts}


def planned(wanted: Contracts, applied: Contracts, held: dict[str, str] | None = None, **more: Any) -> Plan:
    there = world(*applied.values())

    def plan_of(contracts: tuple[Contract, ...]) -> Plan:
        return diff(desired(contracts, SETTINGS), there.values(), contracts=contracts)

    return hold_back(wanted, applied, held or {}, plan_of, **more)


def config(plan: Plan, connector: str) -> Any:
    (found,) = (c.resource.spec["config"] for c in plan.changes if c.resource.name == connector)
    return found


def names(changes: tuple[Any, ...]) -> set[str]:
    return {change.resource.name for change in changes}


def test_a_refused_dataset_goes_on_as_it_was_applied_and_the_others_are_changed() -> None:
    plan = planned(by_id(BROKEN, MORE), by_id(LINES, BASKETS))
    assert list(plan.held) == [LINES.id]
    assert plan.contracts == (LINES, MORE)
    assert names(plan.changes) == {
        c.name for c in _of(MORE) if c.kind in ("lake_table", "warehouse_table", "warehouse_view")
    } | {"oltp.retail.baskets-value", "lake-retail"}
    assert all(LINES.id in change.resource.datasets for change in plan.withheld)
    assert "held back: retail.basket_lines" in render(plan)
    assert not plan.empty


def test_a_dataset_that_was_never_applied_is_left_out_of_what_is_shared() -> None:
    broken = replace(
        BASKETS, quality=(Rule("r", "library", "channel", "error", {"metric": "nullValues", "mustBe": 3}),)
    )
    plan = planned(by_id(LINES, broken), {}, {broken.id: str(invalid_check(broken))})
    assert config(plan, "cdc-oltp")["table.include.list"] == "retail.basket_lines"
    assert not any("baskets" in name for name in names(plan.changes))
    assert "supports only the condition mustBe: 0" in plan.reasons[0]


def test_what_refers_to_it_is_held_back_too_and_only_as_far_as_it_must() -> None:
    reference = Reference("known", ("basket_id",), LINES.id, ("basket_id",), "error")
    referring = replace(MORE, references=(reference,))
    assert list(planned(by_id(LINES, referring), {}, {LINES.id: "its file is broken"}).held) == [LINES.id, BASKETS.id]
    assert list(planned(by_id(BROKEN, referring), by_id(LINES, BASKETS)).held) == [LINES.id]


def test_what_needs_a_zone_of_it_is_held_back_until_it_has_it() -> None:
    history = replace(BROKEN, zones=(*LINES.zones, "history"))
    needing = replace(BASKETS, needs=(Need(LINES.id, "history", 1, 1),))
    plan = planned(by_id(history, needing), by_id(LINES))
    assert list(plan.held) == [LINES.id, BASKETS.id]
    assert "needs history of retail.basket_lines" in plan.held[BASKETS.id]


def test_a_mart_waits_for_what_it_reads() -> None:
    inputs = {BASKETS.id: [LINES.id]}
    plan = planned(by_id(LINES, BASKETS), {}, {LINES.id: "its file is broken"}, inputs=inputs)
    assert "it reads retail.basket_lines, which is held back" in plan.held[BASKETS.id]
    assert list(planned(by_id(BROKEN, BASKETS), by_id(LINES), inputs=inputs).held) == [LINES.id]


def test_a_table_that_was_changed_by_hand_is_refused_and_its_neighbours_are_repaired() -> None:
    there = world(LINES, BASKETS)
    table = there["warehouse_table", "retail.basket_lines_state"]
    engine = {**table.spec, "engine": "Log"}
    topic = there["topic", "oltp.retail.baskets"]
    there |= {
        table.key: replace(table, spec=engine),
        topic.key: replace(topic, spec={**topic.spec, "config": {}}),
    }

    def plan_of(contracts: tuple[Contract, ...]) -> Plan:
        return diff(desired(contracts, SETTINGS), there.values(), contracts=contracts)

    plan = hold_back(by_id(LINES, BASKETS), by_id(LINES, BASKETS), {}, plan_of)
    assert (names(plan.changes), names(plan.withheld)) == ({"oltp.retail.baskets"}, {"retail.basket_lines_state"})
    assert list(plan.held) == [LINES.id]


def _of(contract: Contract) -> list[Resource]:
    return [resource for resource in desired([contract], SETTINGS) if resource.datasets == (contract.id,)]
