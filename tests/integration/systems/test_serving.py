"""Stores that are loaded whole: ClickHouse by an exchange, PostgreSQL by the difference."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from headrace.contracts import names
from headrace.contracts.contract import Contract, Source
from headrace.contracts.types import (
    Array,
    Date,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    Timestamp,
    Uuid,
)
from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.services.serving.store import ClickHouseTable, PostgresTable, Store
from headrace.systems.bundle import Systems
from headrace.systems.retry import Transient
from headrace.systems.serving import state as serving_state
from headrace.systems.warehouse import state as warehouse_state
from headrace.systems.warehouse.hook import WarehouseHook
from tests.integration.systems.test_warehouse import SETTINGS

NOON = dt.datetime(2026, 3, 1, 12, 0, 0, 123456, dt.UTC)
UUID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
FIELDS: dict[str, tuple[Any, pa.DataType, Any]] = {
    "flag": (Primitive("boolean"), pa.bool_(), True),
    "small": (Primitive("int"), pa.int32(), -7),
    "big": (Primitive("long"), pa.int64(), 2**40),
    "single": (Primitive("float"), pa.float32(), 0.5),
    "double": (Primitive("double"), pa.float64(), 0.1),
    "raw": (Primitive("bytes"), pa.large_binary(), b"\x00\xff"),
    "text": (Primitive("string"), pa.large_string(), "ä'b"),
    "money": (Decimal(12, 2), pa.decimal128(12, 2), D("12.30")),
    "day": (Date(), pa.date32(), dt.date(2026, 3, 1)),
    "milli": (Time("millis"), pa.time64("us"), dt.time(1, 2, 3, 4000)),
    "micro": (Time("micros"), pa.time64("us"), dt.time(1, 2, 3, 4)),
    "at": (Timestamp("micros"), pa.timestamp("us", "UTC"), NOON),
    "which": (Uuid(), pa.binary(16), UUID.bytes),
    "digest": (Fixed("Digest", 4), pa.binary(4), b"abcd"),
    "size": (Enum("Size", ("S", "L")), pa.large_string(), "L"),
    "tags": (Array(Primitive("string"), 90), pa.large_list(pa.large_string()), ["a", "b"]),
    "marks": (Map(Primitive("double"), 91, 92), pa.map_(pa.large_string(), pa.float64()), [("x", 1.5)]),
    "place": (
        Record("Place", "", "", (Field("city", 93, Primitive("string")), Field("zip", 94, Primitive("int")))),
        pa.struct([("city", pa.large_string()), ("zip", pa.int32())]),
        {"city": "Bern", "zip": 3000},
    ),
}
"""Field → its type, the Arrow type that a scan of the lake gives, a value."""


@pytest.fixture(params=["clickhouse", "postgres"])
def contract(request: pytest.FixtureRequest, name: str) -> Contract:
    fields = [Field("id", 1, Primitive("long"), doc="Key."), Field("name", 2, Primitive("string"), nullable=True)]
    return Contract(
        f"{name}.things", name, "things", "1.0.0", "till", Record("Thing", name, "One.", tuple(fields)), ("id",),
        Source("file", "landing"), ("raw", "cleaned"), request.param,
    )  # fmt: skip


@pytest.fixture
def serving_dsn(stack: Any) -> str:
    found: str = stack.superuser_dsn("serving")
    return found


@pytest.fixture
def clean(systems: Systems, name: str, serving_dsn: str) -> Iterator[None]:
    yield
    systems.warehouse.execute(f"DROP DATABASE IF EXISTS {name}")
    with psycopg.connect(serving_dsn) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture
def store(stack: Any, systems: Systems, contract: Contract, clean: None) -> Store:
    return made(stack, systems, contract)


def made(stack: Any, systems: Systems, contract: Contract) -> Store:
    """The contract's table, applied as a plan says; twice, of which the second time has nothing to do."""
    wanted = [r for r in desired([contract], SETTINGS) if r.kind in ("warehouse_table", "serving_table")]
    for expected in (1, 0):
        there = (
            *warehouse_state.observe(systems.warehouse, wanted),
            *serving_state.observe(systems.serving, wanted),
        )
        plan = diff(wanted, there)
        assert len(plan.changes) == expected
        for change in plan.changes:
            if contract.serving == "postgres":
                serving_state.apply(systems.serving, change)
            else:
                warehouse_state.apply(systems.warehouse, change)
    if contract.serving == "postgres":
        return PostgresTable(contract, stack.endpoint("serving_default"))
    return ClickHouseTable(contract, stack.endpoint("clickhouse_default"))


def things(**named: str | None) -> pa.Table:
    ids = [int(key.removeprefix("n")) for key in named]
    return pa.table({"id": pa.array(ids, pa.int64()), "name": pa.array(list(named.values()), pa.large_string())})


def served(systems: Systems, serving_dsn: str, contract: Contract, columns: str = "*") -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM {names.view(contract)} ORDER BY id"
    if contract.serving == "clickhouse":
        return [tuple(row) for row in systems.warehouse.rows(query)]
    with psycopg.connect(serving_dsn) as connection:
        return connection.execute(query).fetchall()


def test_a_load_replaces_everything(store: Store, systems: Systems, serving_dsn: str, contract: Contract) -> None:
    assert store.state() is None
    store.load("snapshot 1", [things(n1="a", n2=None), things(n3="c")], 3)
    assert served(systems, serving_dsn, contract) == [(1, "a"), (2, None), (3, "c")]
    assert store.state() == "snapshot 1"
    store.load("snapshot 2", [things(n2="b", n4="d")], 2)
    assert served(systems, serving_dsn, contract) == [(2, "b"), (4, "d")]
    counting = systems.serving if contract.serving == "postgres" else systems.warehouse
    assert counting
    assert counting.count(f"{contract.domain}.{contract.name}") == 2
    assert store.state() == "snapshot 2"


def test_rows_that_are_missing_leave_readers_the_old_ones(
    store: Store, systems: Systems, serving_dsn: str, contract: Contract
) -> None:
    store.load("snapshot 1", [things(n1="a")], 1)
    with pytest.raises(SystemRefused, match="1 of 2 rows have arrived; the table keeps its old rows"):
        store.load("snapshot 2", [things(n2="b")], 2)
    assert served(systems, serving_dsn, contract) == [(1, "a")]
    assert store.state() == "snapshot 1"


def test_a_death_in_the_middle_leaves_readers_the_old_ones(
    store: Store, systems: Systems, serving_dsn: str, contract: Contract
) -> None:
    store.load("snapshot 1", [things(n1="a")], 1)

    def dying() -> Iterator[pa.Table]:
        yield things(n2="b")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.load("snapshot 2", dying(), 2)
    assert served(systems, serving_dsn, contract) == [(1, "a")]
    store.load("snapshot 2", [things(n2="b")], 1)
    assert served(systems, serving_dsn, contract) == [(2, "b")]


def test_no_rows_are_rows_too(store: Store, systems: Systems, serving_dsn: str, contract: Contract) -> None:
    store.load("snapshot 1", [things(n1="a")], 1)
    store.load("snapshot 2", [], 0)
    assert served(systems, serving_dsn, contract) == []


@pytest.mark.parametrize("contract", ["clickhouse"], indirect=True)
def test_an_exchange_whose_answer_is_lost_is_not_made_twice(
    store: Store, systems: Systems, serving_dsn: str, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load("snapshot 1", [things(n1="a")], 1)
    execute_once = WarehouseHook.execute_once

    def lost(hook: WarehouseHook, statement: str) -> None:
        execute_once(hook, statement)
        raise Transient("the answer is lost")

    monkeypatch.setattr(WarehouseHook, "execute_once", lost)
    store.load("snapshot 2", [things(n2="b")], 1)
    assert served(systems, serving_dsn, contract) == [(2, "b")]

    def unmade(_: WarehouseHook, statement: str) -> None:
        raise Transient("nothing was heard")

    monkeypatch.setattr(WarehouseHook, "execute_once", unmade)
    with pytest.raises(SystemUnavailable, match="is not exchanged"):
        store.load("snapshot 3", [things(n3="c")], 1)
    assert served(systems, serving_dsn, contract) == [(2, "b")]


@pytest.mark.parametrize("contract", ["postgres"], indirect=True)
def test_views_on_a_postgres_table_stay(store: Store, systems: Systems, serving_dsn: str, contract: Contract) -> None:
    table = sql.Identifier(*names.view(contract).split("."))
    with psycopg.connect(serving_dsn) as connection:
        view = sql.Identifier(contract.domain, "seen")
        connection.execute(sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(view, table))
    store.load("snapshot 1", [things(n1="a")], 1)
    with psycopg.connect(serving_dsn) as connection:
        assert connection.execute(sql.SQL("SELECT * FROM {}").format(view)).fetchall() == [(1, "a")]


def test_every_type_arrives_as_it_was(
    stack: Any, systems: Systems, serving_dsn: str, contract: Contract, clean: None
) -> None:
    fields = tuple(
        Field(name, number, type_, nullable=not isinstance(type_, Array | Map | Record), default=None)
        for number, (name, (type_, _, _)) in enumerate(FIELDS.items(), start=10)
    )
    contract = replace(contract, record=replace(contract.record, fields=(contract.record.fields[0], *fields)))
    store = made(stack, systems, contract)
    empty = {"tags": [], "marks": [], "place": {"city": "", "zip": 0}}
    columns = {"id": pa.array([1, 2], pa.int64())}
    columns |= {n: pa.array([value, empty.get(n)], type_) for n, (_, type_, value) in FIELDS.items()}
    store.load("snapshot 1", [pa.table(columns)], 2)
    first, second = served(systems, serving_dsn, contract, ", ".join(FIELDS))
    got = dict(zip(FIELDS, first, strict=True))
    assert (got["money"], got["day"], got["double"], got["big"]) == (D("12.30"), dt.date(2026, 3, 1), 0.1, 2**40)
    assert got["which"] == UUID
    assert got["at"].astimezone(dt.UTC) == NOON
    if contract.serving == "postgres":
        assert (got["milli"], got["micro"]) == (dt.time(1, 2, 3, 4000), dt.time(1, 2, 3, 4))
        assert (got["tags"], got["marks"], got["place"]) == (["a", "b"], {"x": 1.5}, {"city": "Bern", "zip": 3000})
        assert (bytes(got["raw"]), bytes(got["digest"])) == (b"\x00\xff", b"abcd")
    else:
        assert (got["milli"], got["micro"]) == (3_723_004, 3_723_000_004)
        assert (got["tags"], got["marks"], got["place"]) == (["a", "b"], {"x": 1.5}, {"city": "Bern", "zip": 3000})
        assert got["digest"] == b"abcd"
    assert second[0] is None
    assert second[list(FIELDS).index("tags")] == []
