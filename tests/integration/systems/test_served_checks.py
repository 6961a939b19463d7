"""What contracts ask of their served views, asked of a real ClickHouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts.contract import Contract, Reference, Rule, Source
from headrace.contracts.types import Array, Date, Decimal, Field, Primitive, Record
from headrace.errors import SystemUnavailable
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.services.quality.outcomes import Outcome
from headrace.services.quality.served_view import ServedChecks, limits
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff
from headrace.systems.warehouse import state
from headrace.systems.warehouse.hook import WarehouseHook
from tests.integration.systems.test_warehouse import SETTINGS

ZERO = {"mustBe": 0}
FIELDS = (
    Field("id", 1, Primitive("long"), doc="Key."),
    Field("order", 2, Primitive("string"), doc="A keyword."),
    Field("price", 3, Decimal(12, 2), nullable=True, default=None, doc="USD."),
    Field("person", 4, Primitive("long"), nullable=True, default=None, doc="Who."),
    Field("day", 5, Date(), doc="When."),
    Field("marks", 6, Array(Primitive("long"), 7, element_nullable=True), doc="Marks."),
)
RULES = (
    Rule("order_set", "library", "order", "error", {"metric": "invalidValues", "arguments": {"validValues": ["a", "it's"]}, **ZERO}),
    Rule("price_range", "library", "price", "warning", {"metric": "invalidValues", "arguments": {"validValues": {"min": 0.5, "max": 9}}, **ZERO}),
    Rule("order_shape", "library", "order", "error", {"metric": "invalidValues", "arguments": {"pattern": "^[a-z']+$"}, **ZERO}),
    Rule("day_missing", "library", "day", "error", {"metric": "missingValues", "arguments": {"missingValues": ["1970-01-01"]}, **ZERO}),
    Rule("price_again", "library", "price", "warning", {"metric": "duplicateValues", **ZERO}),
    Rule("few", "library", None, "error", {"metric": "rowCount", "mustBeLessThan": 5}),
    Rule("dear", "sql", None, "warning", {"query": "SELECT count(*) FROM {object} WHERE price > 8", **ZERO}),
    Rule("mean", "sql", "price", "warning", {"query": "SELECT avg({property}) FROM {object}", "mustBeBetween": [1, 5]}),
)  # fmt: skip


@pytest.fixture
def hook(systems: Systems, name: str) -> Iterator[WarehouseHook]:
    yield systems.warehouse
    systems.warehouse.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def orders(hook: WarehouseHook, name: str) -> Contract:
    """`<name>.orders`, which refers to `<name>.people`; both made, and empty."""
    source = Source("cdc", "oltp", "shop.orders", "envelope")
    people = Contract(
        f"{name}.people", name, "people", "1.0.0", "till", Record("Person", name, "", (FIELDS[0],)), ("id",),
        replace(source, table="shop.people"), ("raw",), "clickhouse",
    )  # fmt: skip
    contract = replace(
        people, id=f"{name}.orders", name="orders", record=Record("Order", name, "", FIELDS), source=source, quality=RULES,
        freshness_s=5.0, classifications={"person": "personal"},
        references=(Reference("person_known", ("person",), people.id, ("id",)),),
    )  # fmt: skip
    wanted = [r for r in desired([people, contract], SETTINGS) if r.kind.startswith("warehouse")]
    for change in diff(wanted, state.observe(hook, wanted)).changes:
        state.apply(hook, change)
    hook.execute(
        f"INSERT INTO {name}.people_state (id, _op, _offset, _deleted, _committed_at) VALUES (7, 'c', 1, 0, now64(6))"
    )
    return contract


@pytest.fixture
def run_checks(hook: WarehouseHook, orders: Contract) -> Callable[..., dict[str, Outcome]]:
    """`run_checks(*more_rules, execution_s=…)`: outcomes by name."""

    def run(*more: Rule, execution_s: int = 20) -> dict[str, Outcome]:
        ruled = replace(orders, quality=(*orders.quality, *more))
        people = replace(orders, id=f"{orders.domain}.people", name="people", references=(), quality=())
        checks = ServedChecks(hook, {ruled.id: ruled, people.id: people}, limits(execution_s, 256))
        return {outcome.check: outcome for outcome in checks.run(ruled.id)}

    return run


def put(hook: WarehouseHook, domain: str, *rows: str) -> None:
    values = ", ".join(f"({row}, 'c', {place}, 0, now64(6))" for place, row in enumerate(rows, 100))
    hook.execute(
        f"INSERT INTO {domain}.orders_state (id, order, price, person, day, marks, _op, _offset, _deleted, _committed_at) VALUES {values}"
    )


def broken(found: dict[str, Outcome]) -> set[str]:
    return {name for name, outcome in found.items() if not outcome.passed}


def seconds(outcome: Outcome) -> float:
    """Of `found 60.01 s, in …`."""
    return float(outcome.observed.split()[1])


def test_good_rows_break_nothing(hook: WarehouseHook, name: str, run_checks: Callable[..., dict[str, Outcome]]) -> None:
    put(hook, name, "1, 'a', 1, 7, '2026-01-01', []", "2, 'it\\'s', 2.5, NULL, '2026-01-02', [1, NULL]")
    found = run_checks()
    assert broken(found) == set()
    assert {"key_unique", "marks_required", "person_known", "few", "mean", "freshness"} <= found.keys()
    assert found["few"].observed == "found 2"
    assert found["freshness"].observed == "found no change in the last day"


def test_a_broken_rule_is_reported_with_its_first_rows_by_key(
    hook: WarehouseHook, name: str, run_checks: Callable[..., dict[str, Outcome]]
) -> None:
    bad = [f"{n}, 'B', 9.5, 8, '1970-01-01', []" for n in range(9, 2, -1)]
    put(hook, name, "1, 'a', 1, 7, '2026-01-01', []", *bad)
    found = run_checks()
    assert broken(found) == {
        "order_set", "price_range", "order_shape", "day_missing", "price_again", "few", "dear", "mean", "person_known",
    }  # fmt: skip
    wrong = found["order_set"]
    assert (wrong.severity, wrong.field, wrong.unexpected) == ("error", "order", 7)
    assert list(wrong.examples) == [f'{{"id": {n}, "order": "B"}}' for n in range(3, 8)]
    assert wrong.observed.startswith('such as {"id": 3, "order": "B"}')
    assert found["person_known"].examples[0] == '{"id": 3, "person": "(personal)"}'
    assert found["price_again"].unexpected == 6
    assert found["dear"].unexpected == 7
    assert '"person": "(personal)"' in found["dear"].examples[0]
    assert found["few"].observed == "found 8"
    assert (found["mean"].unexpected, found["mean"].observed) == (None, "found 8.4375")


AN_AGE_S = 61
"""More than a minute: ClickHouse fills the column of the insert's time a moment before or after it works out the row's."""


def test_freshness_is_of_the_changes_of_the_last_day(
    hook: WarehouseHook, name: str, run_checks: Callable[..., dict[str, Outcome]]
) -> None:
    insert = f"INSERT INTO {name}.orders_changes (id, order, _op, _offset, _committed_at) SELECT number, 'a', 'c', number, now64(6) - {{}} FROM numbers(10)"
    hook.execute(insert.format(1))
    assert run_checks()["freshness"].passed
    hook.execute(insert.format(AN_AGE_S))
    late = run_checks()["freshness"]
    assert (late.passed, late.severity) == (False, "warning")
    assert seconds(late) >= 60


def test_freshness_of_events_is_checked_too(hook: WarehouseHook, name: str) -> None:
    event = Contract(
        f"{name}.clicks", name, "clicks", "1.0.0", "till", Record("Click", name, "", (FIELDS[0],)), ("id",),
        Source("ingest", changes="append"), ("raw",), "clickhouse", freshness_s=5.0,
    )  # fmt: skip
    wanted = [r for r in desired([event], SETTINGS) if r.kind.startswith("warehouse")]
    for change in diff(wanted, state.observe(hook, wanted)).changes:
        state.apply(hook, change)
    hook.execute(f"INSERT INTO {name}.clicks_changes (id, _offset, _committed_at) VALUES (1, 1, now64(6) - {AN_AGE_S})")
    found = {outcome.check: outcome for outcome in ServedChecks(hook, {event.id: event}, limits(20, 256)).run(event.id)}
    assert broken(found) == {"freshness"}
    assert seconds(found["freshness"]) >= 60


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO {object} (id) VALUES (1)",
        "CREATE TABLE {object}_mine (a Int8) ENGINE = Memory",
        "DROP TABLE {object}_state",
        "ALTER TABLE {object}_state DELETE WHERE 1",
        "TRUNCATE TABLE {object}_state",
        "SELECT count(*) FROM {object} SETTINGS readonly = 0, max_execution_time = 0",
        "SELECT count(*) FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    ],
)
def test_a_rule_can_never_write_nor_lift_its_limits(
    hook: WarehouseHook, name: str, run_checks: Callable[..., dict[str, Outcome]], query: str
) -> None:
    put(hook, name, "1, 'a', 1, 7, '2026-01-01', []")
    before = hook.rows("SELECT name, total_rows FROM system.tables WHERE database = {d:String} ORDER BY 1", {"d": name})
    sly = query.replace("{object}", f"{name}.orders")
    found = run_checks(Rule("sly", "sql", None, "error", {"query": sly, **ZERO}))
    assert broken(found) == {"sly"}
    assert "READONLY" in found["sly"].observed
    after = hook.rows("SELECT name, total_rows FROM system.tables WHERE database = {d:String} ORDER BY 1", {"d": name})
    assert after == before


@pytest.mark.parametrize(
    ("query", "code", "execution_s"),
    [
        ("SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1", "TIMEOUT_EXCEEDED", 2),
        ("SELECT length(groupArray(number)) FROM numbers(1000000000)", "MEMORY_LIMIT_EXCEEDED", 60),
    ],
)
def test_a_rule_that_takes_too_much_is_stopped_and_the_others_are_checked(
    run_checks: Callable[..., dict[str, Outcome]], query: str, code: str, execution_s: int
) -> None:
    found = run_checks(Rule("endless", "sql", None, "error", {"query": query, **ZERO}), execution_s=execution_s)
    assert code in found["endless"].observed
    assert broken(found) == {"endless", "mean"}  # of no rows there is no mean


@pytest.mark.parametrize("query", ["SELECT 1, 2", "SELECT number FROM numbers(2)", "SELECT 'a'", "SELECT NULL"])
def test_a_rule_that_gives_no_number_has_not_passed(run_checks: Callable[..., dict[str, Outcome]], query: str) -> None:
    found = run_checks(Rule("odd", "sql", None, "error", {"query": query, "mustBeGreaterThan": 0}))
    assert not found["odd"].passed
    assert found["odd"].observed.startswith("could not be evaluated: ")


def test_one_check_that_cannot_be_evaluated_leaves_the_others_theirs(
    hook: WarehouseHook, name: str, run_checks: Callable[..., dict[str, Outcome]]
) -> None:
    put(hook, name, "1, 'a', 1, 7, '2026-01-01', []")
    definition = {"metric": "invalidValues", "arguments": {"validValues": {"min": "x"}}, **ZERO}
    found = run_checks(Rule("lame", "library", "day", "error", definition))
    assert broken(found) == {"lame"}
    assert found["lame"].observed.startswith("could not be evaluated: ")
    assert found["order_set"].passed


def test_a_warehouse_that_does_not_answer_is_no_outcome(orders: Contract) -> None:
    gone = WarehouseHook(Endpoint("127.0.0.1", 1), backoff=Backoff(tries=2, first_s=0.01))
    with pytest.raises(SystemUnavailable):
        ServedChecks(gone, {orders.id: replace(orders, references=())}, limits(5, 256)).run(orders.id)


def test_each_outcome_names_its_expectation(run_checks: Callable[..., dict[str, Outcome]], name: str) -> None:
    found: dict[str, Any] = {check: outcome.expectation for check, outcome in run_checks().items()}
    assert found["person_known"] == "reference"
    assert found["order_set"] == "expect_column_values_to_be_in_set"
    assert found["dear"] == f"SELECT count(*) FROM `{name}`.`orders` WHERE price > 8"
    assert found["freshness"] == "freshness of 5 s"
