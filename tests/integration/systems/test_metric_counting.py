"""Metrics in ClickHouse: each record counts once, whatever dies in between and however late a dead letter is replayed."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from headrace.errors import SystemUnavailable
from headrace.streaming.datasets import Served
from headrace.streaming.decode import DeadLetter
from headrace.streaming.metrics.counting import MetricCounting
from headrace.streaming.metrics.once import STARTS, Once
from headrace.streaming.metrics.spec import Lookup, Metrics, Rollup
from headrace.streaming.patience import Patience
from headrace.streaming.sink import Insert, Sink
from headrace.streaming.writer import UnreadableSchema, Writer
from headrace.systems.bundle import Systems
from tests.support.change_records import (
    FIELDS,
    SCHEMA_ID,
    SCHEMAS,
    TARGET,
    WIDER_ID,
    batch,
    change,
    encoded,
    envelope,
    row,
    writer_of,
)

LAYER = Path(__file__).parents[3] / "include" / "sql" / "metrics"
TABLES = ("by_store", "by_department")
PARTS = pa.table(
    {
        "minute": pa.array([1_500_000_000], pa.timestamp("s", "UTC")),
        "store": pa.array([7], pa.int32()),
        "lines": pa.array([1], pa.int64()),
        "units": pa.array([2], pa.int64()),
        "_partition": pa.array([0], pa.int32()),
    }
)


class DyingSink(Sink):
    """Does not insert into tables that are named; whoever inserts dies."""

    dies_at: str = ""

    def insert(self, inserts: Sequence[Insert], patience: Patience) -> None:
        for insert in inserts:
            if self.dies_at and insert.table.endswith(self.dies_at):
                raise KeyboardInterrupt
            super().insert([insert], patience)

    def once(self, inserts: Sequence[Insert]) -> None:
        for insert in inserts:
            if self.dies_at and insert.table.endswith(self.dies_at):
                raise KeyboardInterrupt
            super().once([insert])


class Shop:
    """One metric over two rollups in tables of its own, and the dead letters that it wrote."""

    def __init__(self, stack: Any, systems: Systems, name: str) -> None:
        self.warehouse, self.name = systems.warehouse, name
        self.unknown: set[int] = set()
        self.dead_letters: list[DeadLetter] = []
        self.metrics = Metrics(
            name=name,
            fact=f"{name}.lines",
            event_time="at",
            measures={
                "sales": pl.col("value"),
                "units": pl.col("quantity").cast(pl.Int64),
                "discount": pl.col("discount"),
            },
            distincts={"basket_lines": "basket", "household_lines": "household"},
            rollups=(
                Rollup(f"{name}.by_store_parts", ("store",)),
                Rollup(f"{name}.by_department_parts", ("department",)),
            ),
            lookup=Lookup("department", "product", f"{name}.products", "(unknown)"),
            lateness=dt.timedelta(minutes=10),
        )
        place = stack.clickhouse
        self.sink = DyingSink(place)
        self._make()
        self.start()

    def start(self) -> None:
        """As a new driver does."""
        fact = Served(self.metrics.fact, "oltp.shop.lines", ("basket",), True, (f"{self.name}.lines",))
        self.patience = Patience(10, lambda _: None, threading.Event())
        writers: Any = self.writer
        self.counting = MetricCounting(self.metrics, fact, writers, self.sink, self, self.patience, lambda: True)

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.dead_letters += dead_letters

    def writer(self, schema_id: int) -> Writer:
        if schema_id in self.unknown:
            raise UnreadableSchema(f"the registry has no schema id {schema_id}", "schema-unknown")
        return writer_of("", schema_id)

    def dies(self, records: pa.Table, token: str, at: str) -> None:
        """A driver that dies when it inserts into a table; the next one starts."""
        self.sink.dies_at = at
        with pytest.raises(KeyboardInterrupt):
            self.counting.serve(records, token)
        self.sink.dies_at = ""
        self.start()

    def loses(self, rows: str) -> None:
        """Rows are not there, and their tokens are: as after ClickHouse died between the two."""
        for table in TABLES:
            statement = f"ALTER TABLE {self.name}.{table}_parts DELETE WHERE {rows} SETTINGS mutations_sync = 1"
            self.warehouse.execute(statement)
        self.clickhouse_starts()

    def clickhouse_starts(self) -> None:
        """As it is after a start of ClickHouse."""
        self.warehouse.execute(f"TRUNCATE TABLE {STARTS}")
        self.start()

    def counted(self) -> list[tuple[int, ...]]:
        """Lines and units of each rollup."""
        found = []
        for table in TABLES:
            both = f"SELECT lines, units FROM {self.name}.{table}_parts UNION ALL SELECT lines, units FROM {self.name}.{table}_replayed FINAL"
            found += self.warehouse.rows(f"SELECT sum(lines), sum(units) FROM ({both})")
        return [tuple(map(int, each)) for each in found]

    def _make(self) -> None:
        execute = self.warehouse.execute
        for path in sorted(LAYER.glob("[01]*.sql")):
            execute(path.read_text())
        execute(f"CREATE DATABASE {self.name}")
        for table, shop in zip(TABLES, ("store", "department"), strict=True):
            for path in sorted(LAYER.glob(f"2*_{shop}_*.sql")):
                text = path.read_text().replace(f"metrics.sales_by_minute_{shop}", f"{self.name}.{table}")
                execute(re.sub(r"\bstore_id\b", "store", text).replace("window = 1000", "window = 1"))
        columns = ", ".join(f"`{name}` {type_}" for name, type_ in TARGET.items())
        execute(f"CREATE TABLE {self.name}.lines ({columns}) ENGINE = MergeTree ORDER BY basket")
        execute(
            f"CREATE TABLE {self.name}.products (product Int64, department String) ENGINE = MergeTree ORDER BY product"
        )
        execute(f"INSERT INTO {self.name}.products VALUES (1, 'DELI'), (2, 'FUEL')")


@pytest.fixture
def shop(stack: Any, systems: Systems, name: str) -> Iterator[Shop]:
    yield Shop(stack, systems, name)
    systems.warehouse.execute(f"DROP DATABASE IF EXISTS {name}")
    systems.warehouse.execute("DELETE FROM metrics.decisions WHERE startsWith(token, {name:String})", {"name": name})
    systems.warehouse.execute("DELETE FROM metrics.snapshots WHERE metrics = {name:String}", {"name": name})


def records() -> pa.Table:
    """Two lines of a schema that is known, and one of a wider schema."""
    known = [encoded(change("c", row(key)), SCHEMA_ID) for key in (1, 2)]
    return batch([known[0], encoded(change("c", {**row(3), "till": "x"}), WIDER_ID), known[1]])


@pytest.mark.parametrize("at", ["decisions", "by_store_parts", "by_department_parts"])
def test_a_schema_that_comes_between_two_tries_neither_loses_nor_doubles(shop: Shop, at: str) -> None:
    shop.unknown = {WIDER_ID}
    shop.dies(records(), f"{shop.name}:0", at)
    shop.unknown = set()
    shop.counting.serve(records(), f"{shop.name}:0")
    if at == "decisions":  # nothing was decided yet
        assert (shop.counted(), shop.dead_letters) == ([(3, 6), (3, 6)], [])
        return
    assert shop.counted() == [(2, 4), (2, 4)]
    assert {(each.offset, each.rule) for each in shop.dead_letters} == {(1, "schema-unknown")}
    shop.counting.replay(records().slice(1, 1))
    assert shop.counted() == [(3, 6), (3, 6)]


def test_a_schema_that_is_lost_between_two_tries_is_reported(shop: Shop) -> None:
    shop.dies(records(), f"{shop.name}:0", "by_department_parts")
    shop.unknown = {WIDER_ID}
    shop.counting.serve(records(), f"{shop.name}:0")
    (dead_letter,) = shop.dead_letters
    assert "may be counted" in dead_letter.reason


def in_two_months() -> pa.Table:
    months = (row(key, at=f"2017-{month}-15T12:40:14.000000Z") for key, month in ((1, "07"), (2, "08"), (3, "08")))
    return batch([encoded(change("c", each)) for each in months])


@pytest.mark.parametrize("lost", ["1", "toMonth(minute) = 7", "toMonth(minute) = 8", "0"])
def test_what_clickhouse_lost_when_it_died_is_counted_by_the_next_try_and_nothing_else(shop: Shop, lost: str) -> None:
    shop.counting.serve(in_two_months(), f"{shop.name}:0")
    shop.loses(lost)
    for _ in range(2):
        shop.counting.serve(in_two_months(), f"{shop.name}:0")
        assert shop.counted() == [(3, 6), (3, 6)]
        shop.clickhouse_starts()


def test_the_same_driver_counts_what_clickhouse_lost_under_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    once, failures = shop.sink.once, iter([True, True, False])

    def dying(inserts: Sequence[Insert]) -> None:
        once(inserts)
        if next(failures):
            shop.loses("toMonth(minute) = 7")
            raise SystemUnavailable("warehouse", "here", "it died")

    monkeypatch.setattr(shop.sink, "once", dying)
    shop.counting.serve(in_two_months(), f"{shop.name}:0")
    assert shop.counted() == [(3, 6), (3, 6)]


def test_an_insert_that_nobody_waits_for_any_more_does_not_count_beside_the_next_try(shop: Shop) -> None:
    """The table has been asked already when it comes: the token stops it."""
    parts = {f"{shop.name}.by_store_parts": PARTS}
    for _ in range(2):
        Once(shop.sink, shop.patience).insert(parts, {0: 3}, f"{shop.name}:0", tried=False)
    assert shop.counted()[0] == (1, 2)


def test_a_dimension_that_the_parts_do_not_hold_is_a_dead_letter(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = [{**field, "type": "long"} if field["name"] == "store" else field for field in FIELDS]
    monkeypatch.setitem(SCHEMAS, 41, envelope(wide))
    shop.warehouse.execute(f"ALTER TABLE {shop.name}.lines MODIFY COLUMN store Int64")
    values = [encoded(change("c", row(key, store=store)), 41) for key, store in ((1, 7), (2, 3_000_000_000))]
    shop.counting.serve(batch(values), f"{shop.name}:0")
    assert shop.counted() == [(1, 2), (1, 2)]
    (dead_letter,) = shop.dead_letters
    assert dead_letter.reason.startswith("column store: ")


def test_a_dead_letter_that_is_replayed_again_at_any_age_counts_once(shop: Shop) -> None:
    late = records().slice(1, 1)
    update = batch(
        [encoded(change("u", {**row(3, quantity=5), "till": "x"}, {**row(3), "till": "x"}), WIDER_ID)], first=9
    )
    shop.counting.serve(records().slice(0, 1), f"{shop.name}:0")
    for number in range(3):
        shop.counting.replay(late)
        shop.start()
        shop.warehouse.execute(f"TRUNCATE TABLE {shop.name}.products")
        shop.warehouse.execute(f"INSERT INTO {shop.name}.products VALUES (3, 'D{number}')")  # it is told otherwise now
        shop.counting.replay(update)
        shop.counting.serve(batch([encoded(change("c", row(5)))], first=20 + number), f"{shop.name}:{number + 1}")
    assert shop.counted() == [(5, 2 + 3 * 2 + 5)] * 2
