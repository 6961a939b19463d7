"""What a stream fills is made anew from raw on a real ClickHouse, while the stream goes on, and after every death."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from headrace.systems.bundle import Systems
from headrace.systems.warehouse import rebuilding, state
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.rebuilding import Rebuilt, clock_us, rebuild
from tests.integration.systems.test_warehouse import FIELDS, applied, orders_tables
from tests.support.waiting import wait_until
from tests.unit.systems.test_warehouse_arrow_changes import change, raw

Row = tuple[int, str | None]


@pytest.fixture
def hook(systems: Systems, name: str) -> Iterator[WarehouseHook]:
    applied(systems.warehouse, orders_tables(name, FIELDS))
    yield systems.warehouse
    systems.warehouse.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def tables(name: str) -> tuple[str, str]:
    return f"{name}.orders_state", f"{name}.orders_changes"


@pytest.fixture
def stream(hook: WarehouseHook, tables: tuple[str, str]) -> Callable[..., None]:
    """`stream(id, offset, note)`: the stream inserts a change."""

    def insert(key: int, offset: int, note: str, wait: str = "") -> None:
        for table in tables:
            hook.execute(
                f"INSERT INTO {table} (id, `order`, _op, _kafka_partition, _offset, _committed_at)"
                f" SELECT {key}, '{note}', 'c', 0, {offset}, now64(6){wait}"
            )

    return insert


@pytest.fixture
def rebuilt(hook: WarehouseHook, tables: tuple[str, str]) -> Callable[..., Rebuilt]:
    """`rebuilt(parts)`: the tables are made anew from these parts of raw."""
    return lambda parts: rebuild(hook, tables, parts, clock_us(hook))


def landed(*changes: tuple[Any, ...]) -> pa.Table:
    return raw(*changes).rename_columns({"note": "order"})


def held(hook: WarehouseHook, name: str) -> tuple[list[Row], list[Row]]:
    """The rows of the view, and the changes by their order."""
    view = hook.rows(f"SELECT id, `order` FROM {name}.orders ORDER BY id")
    changes = hook.rows(f"SELECT id, `order` FROM {name}.orders_changes FINAL ORDER BY _offset")
    assert not hook.existing([f"{name}.orders_state__next", f"{name}.orders_changes__next"])
    return [tuple(row) for row in view], [tuple(row) for row in changes]  # type: ignore[misc]


def test_wrong_rows_are_rebuilt_from_raw(
    hook: WarehouseHook, name: str, stream: Callable[..., None], rebuilt: Callable[..., Rebuilt]
) -> None:
    stream(1, 4, "wrong")
    stream(9, 2, "never was")
    parts = [landed(change(1, 4, note="a"), change(2, 5, note="b")), landed(change(2, 6, "d", note="b"))]
    assert rebuilt(parts) == Rebuilt(3, 0)
    assert held(hook, name) == ([(1, "a")], [(1, "a"), (2, "b"), (2, "b")])
    assert rebuilt(parts) == Rebuilt(3, 0)
    assert held(hook, name) == ([(1, "a")], [(1, "a"), (2, "b"), (2, "b")])
    assert state.observe(hook, orders_tables(name, FIELDS)), "the plan finds what it knows"
    assert rebuilt([landed(change(None, 4), change(2, 5, note="b"))]).left_out == 1


def test_what_the_stream_brings_meanwhile_stays(
    hook: WarehouseHook, name: str, stream: Callable[..., None], rebuilt: Callable[..., Rebuilt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    exchange, seen = rebuilding.exchange, list[list[int]]()

    def parts() -> Iterable[pa.Table]:
        yield landed(change(1, 4, note="a"), change(2, 6, note="b"))
        stream(3, 7, "beyond raw")
        stream(4, 5, "replayed at its own place")

    def late(hook: WarehouseHook, table: str, *rest: str) -> None:
        stream(5, 8, "between copy and exchange")
        exchange(hook, table, *rest)
        seen.append(sorted(row[0] for row in hook.rows(f"SELECT id FROM {table}")))
        stream(6, 9, "after it")

    monkeypatch.setattr(rebuilding, "exchange", late)
    stream(7, 10, "before, and not in raw yet")
    rebuilt(parts())
    assert all({1, 2, 3, 4, 7} <= set(ids) for ids in seen), "readers never miss what the stream had brought"
    assert len(seen) == 2
    assert [row[0] for row in held(hook, name)[0]] == [1, 2, 3, 4, 5, 6, 7]
    assert [row[0] for row in held(hook, name)[1]] == [1, 4, 2, 3, 5, 6, 7]


def test_an_insert_that_is_under_way_is_waited_for(
    hook: WarehouseHook, name: str, tables: tuple[str, str], stream: Callable[..., None],
    rebuilt: Callable[..., Rebuilt], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It began with the old table, and ends long after the exchange."""
    exchange, inserts = rebuilding.exchange, list[threading.Thread]()
    running = "SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND position(query, {table:String}) > 0"

    def slow(hook: WarehouseHook, table: str, *rest: str) -> None:
        thread = threading.Thread(
            target=hook.execute,
            args=(
                f"INSERT INTO {table} (id, `order`, _op, _kafka_partition, _offset, _committed_at)"
                " SELECT 2, 'slow', 'c', 0, 5, now64(6) FROM numbers(1) WHERE sleepEachRow(2) = 0",
            ),
        )
        thread.start()
        wait_until(lambda: hook.rows(running, {"table": table})[0][0] > 0, 20, "the insert has not begun")
        exchange(hook, table, *rest)
        inserts.append(thread)

    monkeypatch.setattr(rebuilding, "exchange", slow)
    rebuilt([landed(change(1, 4, note="a"))])
    for thread in inserts:
        thread.join()
    assert held(hook, name) == ([(1, "a"), (2, "slow")],) * 2


@pytest.mark.parametrize("exchanged", [False, True])
def test_a_try_that_died_begins_again_and_keeps_what_the_stream_brought(
    hook: WarehouseHook, name: str, stream: Callable[..., None], rebuilt: Callable[..., Rebuilt],
    monkeypatch: pytest.MonkeyPatch, exchanged: bool,
) -> None:  # fmt: skip
    """Before any exchange, or after all of them: then what came last is in the old tables alone."""
    parts = [landed(change(1, 4, note="a"), change(2, 5, note="b"))]
    exchange = rebuilding.exchange

    def late(*where: Any) -> None:
        stream(3, 6, "in the last moment")
        if not exchanged:
            raise RuntimeError("killed")
        exchange(*where)

    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    stream(9, 2, "never was")
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(rebuilding, "exchange", late)
        patch.setattr(rebuilding, "_wait_for_inserts", dies)
        rebuilt(parts)
    rebuilt(parts)
    assert held(hook, name) == ([(1, "a"), (2, "b"), (3, "in the last moment")],) * 2
