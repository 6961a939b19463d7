from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import Decimal, Enum, Field, Primitive, Record
from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.desired import PlanSettings, desired
from headrace.planning.diff import diff
from headrace.planning.resources import Resource
from headrace.planning.settings import Catalog, SourceDatabase
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff
from headrace.systems.warehouse import state
from headrace.systems.warehouse.hook import WarehouseHook

SETTINGS = PlanSettings(
    "k:9092",
    "http://r",
    {"oltp": SourceDatabase("db", 5432, "oltp")},
    Catalog("rest", "http://c", "s3://w", "http://s3"),
)
FIELDS = (
    Field("id", 1, Primitive("long"), doc="It's the key."),
    Field("total", 2, Decimal(12, 2), default="\x00"),
    Field("order", 3, Primitive("string"), nullable=True),
)
NEWER = (*FIELDS, Field("fresh", 4, Primitive("int"), default=7, doc="New."))


def orders_tables(domain: str, fields: tuple[Field, ...]) -> list[Resource]:
    contract = Contract(
        f"{domain}.orders", domain, "orders", "1.0.0", "till", Record("Orders", domain, "", fields), ("id",),
        Source("cdc", "oltp", "shop.orders", "envelope"), ("raw",), "clickhouse",
    )  # fmt: skip
    return [r for r in desired([contract], SETTINGS) if r.kind.startswith("warehouse")]


@pytest.fixture
def hook(systems: Systems, name: str) -> Iterator[WarehouseHook]:
    yield systems.warehouse
    systems.warehouse.execute(f"DROP DATABASE IF EXISTS {name}")


def applied(hook: WarehouseHook, wanted: list[Resource]) -> None:
    plan = diff(wanted, state.observe(hook, wanted))
    assert plan.changes
    for change in (*plan.changes, *plan.changes):
        state.apply(hook, change)
    assert diff(wanted, state.observe(hook, wanted)).changes == ()


def test_tables_and_view_are_made_and_evolve_and_nothing_is_left_to_do(hook: WarehouseHook, name: str) -> None:
    applied(hook, orders_tables(name, FIELDS))
    insert = "INSERT INTO {}.orders_state (id, total, order, _op, _offset, _deleted, _committed_at) VALUES {}"
    hook.execute(insert.format(name, "(1, 2.5, 'a', 'c', 3, 0, now64(6)), (2, 1, NULL, 'c', 4, 0, now64(6))"))
    hook.execute(insert.format(name, "(2, 1, NULL, 'd', 9, 1, now64(6)), (1, 3, 'b', 'u', 2, 0, now64(6))"))
    assert hook.count(f"{name}.orders") == 1
    applied(hook, orders_tables(name, NEWER))
    assert [tuple(map(str, row)) for row in hook.rows(f"SELECT * FROM {name}.orders")] == [("1", "2.50", "a", "7")]


WIDENINGS: dict[str, tuple[Any, Any, str]] = {
    "number": (Primitive("int"), Primitive("long"), "3000000000"),
    "ratio": (Primitive("float"), Primitive("double"), "1e300"),
    "money": (Decimal(5, 2), Decimal(20, 2), "123456789012345678.91"),
    "large": (Decimal(38, 2), Decimal(60, 2), "9" * 58 + ".99"),
    "size": (Enum("Size", ("S", "L")), Enum("Size", ("S", "L", "XL")), "XL"),
}
"""Field → its type, the type that holds more, a value that only the second holds."""


def widening(index: int, *, nullable: bool) -> tuple[Field, ...]:
    fields = enumerate(WIDENINGS.items(), start=2)
    made = (Field(name, number, types[index], nullable=nullable) for number, (name, types) in fields)
    return (Field("id", 1, Primitive("long")), *made)


@pytest.mark.parametrize("to_nullable", [False, True])
def test_a_view_follows_its_table_when_a_type_widens(hook: WarehouseHook, name: str, *, to_nullable: bool) -> None:
    applied(hook, orders_tables(name, widening(0, nullable=False)))
    insert = f"INSERT INTO {name}.orders_state (id, {', '.join(WIDENINGS)}, _offset, _deleted) VALUES"
    hook.execute(f"{insert} (1, 1, 1, 1, 1, 'S', 1, 0)")
    applied(hook, orders_tables(name, widening(1, nullable=to_nullable)))
    values = [value for *_, value in WIDENINGS.values()]
    quoted = ", ".join(f"'{value}'" for value in values)
    hook.execute(f"{insert} (2, {quoted}, 2, 0)")
    shown = ", ".join(f"toString({field})" for field in WIDENINGS)
    assert [list(row) for row in hook.rows(f"SELECT {shown} FROM {name}.orders WHERE id = 2")] == [values]
    if to_nullable:
        hook.execute(f"INSERT INTO {name}.orders_state (id, _offset, _deleted) VALUES (3, 3, 0)")
        assert hook.rows(f"SELECT number, size FROM {name}.orders WHERE id = 3") == [(None, None)]


def test_a_view_that_somebody_altered_is_put_right(hook: WarehouseHook, name: str) -> None:
    wanted = orders_tables(name, FIELDS)
    applied(hook, wanted)
    hook.execute(f"CREATE OR REPLACE VIEW {name}.orders AS SELECT id FROM {name}.orders_state")
    (change,) = diff(wanted, state.observe(hook, wanted)).changes
    assert (change.action, change.resource.kind) == ("update", "warehouse_view")
    state.apply(hook, change)
    assert diff(wanted, state.observe(hook, wanted)).empty


def test_a_column_that_somebody_altered_shows(hook: WarehouseHook, name: str) -> None:
    wanted = orders_tables(name, FIELDS)
    applied(hook, wanted)
    hook.execute(f"ALTER TABLE {name}.orders_changes MODIFY COLUMN total Decimal(12, 4)")
    plan = diff(wanted, state.observe(hook, wanted))
    assert [refusal.about for refusal in plan.refusals] == ['field "total"']


def test_freshness_is_of_recent_changes_and_never_of_snapshots(hook: WarehouseHook, name: str) -> None:
    applied(hook, orders_tables(name, FIELDS))
    table = f"{name}.orders_changes"
    insert = "INSERT INTO {} (id, total, _op, _offset, _committed_at, _inserted_at) SELECT number, 1, '{}', number + {}, {}, {} FROM numbers(100)"
    hook.execute(insert.format(table, "r", 0, "now64(6) - 5000", "now64(6)"))
    assert hook.freshness(table) is None
    hook.execute(insert.format(table, "c", 1000, "now64(6) - toIntervalMillisecond(number * 10)", "now64(6)"))
    hook.execute(insert.format(table, "c", 2000, "now64(6) - 9000", "now64(6) - 5000"))
    found = hook.freshness(table)
    assert found is not None
    assert found.changes == 100
    assert 0.4 < found.p50 < 0.6
    assert 0.9 < found.p95 < 1.0


def test_only_what_exists_is_counted(hook: WarehouseHook, name: str) -> None:
    applied(hook, orders_tables(name, FIELDS))
    assert hook.existing([f"{name}.orders", f"{name}.nothing"]) == (f"{name}.orders",)


def test_a_wrong_statement_password_or_address_is_an_error_with_its_cause(systems: Systems, stack: Any) -> None:
    with pytest.raises(SystemRefused, match="UNKNOWN_IDENTIFIER"):
        systems.warehouse.rows("SELECT nope")
    known = stack.clickhouse
    with pytest.raises(SystemRefused, match="AUTHENTICATION_FAILED"):
        WarehouseHook(Endpoint(known.host, known.port, "headrace", "wrong")).rows("SELECT 1")
    hook = WarehouseHook(Endpoint("127.0.0.1", 1), backoff=Backoff(tries=2, first_s=0.01))
    with pytest.raises(SystemUnavailable, match=r"warehouse at http://127\.0\.0\.1:1: .*refused \(tried 2 times since"):
        hook.rows("SELECT 1")
