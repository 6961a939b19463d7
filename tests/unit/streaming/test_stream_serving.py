"""One batch of a group: each dataset is served or held by itself, and a batch that is tried again loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.streaming.datasets import Served
from headrace.streaming.decode import DeadLetter
from headrace.streaming.patience import Patience
from headrace.streaming.serving import ChangeServing
from headrace.streaming.sink import Insert
from headrace.streaming.writer import UnreadableSchema, Writer
from headrace.systems.retry import Backoff
from tests.support.change_records import FIELDS, SCHEMAS, TARGET, batch, change, encoded, envelope, row
from tests.support.change_records import writer_of as known_writer

LINES, VISITS = "oltp.shop.lines", "oltp.shop.visits"
DAY_ID = 31
DAY = {"name": "day", "type": {"type": "int", "connect.name": "io.debezium.time.Date"}}
STATE = {**TARGET, "day": "Nullable(Date32)"}
CHANGES = {name: type_ for name, type_ in STATE.items() if name != "_deleted"}


@dataclass
class Warehouse:
    """Stands for the sink: tables, and what it refuses."""

    broken: set[str] = field(default_factory=set)
    """Tables that refuse whatever comes."""
    refused_keys: set[int] = field(default_factory=set)
    """Products of which a row cannot be converted."""
    away: set[str] = field(default_factory=set)
    """Tables that do not answer."""
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def columns(self, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        there = (table for table in tables if not table.endswith("missing"))
        return {table: STATE if table.endswith("_state") else CHANGES for table in there}

    def attempt(self, inserts: Sequence[Insert], _: Patience) -> dict[str, SystemRefused]:
        refused = {}
        for insert in inserts:
            if insert.table in self.away:
                raise SystemUnavailable("warehouse", "here", "it is away")
            if insert.table in self.broken or self._cannot_convert(insert.rows):
                refused[insert.table] = SystemRefused("warehouse", "here", f"{insert.table} says no")
            else:
                assert not insert.token, "a token could hide rows that are not there"
                self.tables.setdefault(insert.table, []).extend(insert.rows.to_pylist())
        return refused

    def refusal(self, rows: pa.Table, _: Mapping[str, str], __: Patience) -> SystemRefused | None:
        return SystemRefused("warehouse", "here", "cannot parse") if self._cannot_convert(rows) else None

    def products(self, table: str) -> list[int]:
        """Merged by position, as a reader sees them."""
        by_place = {(r["_kafka_partition"], r["_offset"]): r["product"] for r in self.tables.get(table, ())}
        return [product for _, product in sorted(by_place.items())]

    def _cannot_convert(self, rows: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(rows["product"], pa.array(self.refused_keys, pa.int64()))).as_py())


@dataclass
class DeadLetters:
    """A letterbox."""

    got: list[DeadLetter] = field(default_factory=list)

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.got += dead_letters


class Shop:
    """The query over two datasets."""

    def __init__(self, *topics: str) -> None:
        self.warehouse, self.dead_letters = Warehouse(), DeadLetters()
        self.unknown: set[int] = set()
        names = {LINES: "shop.lines", VISITS: "shop.visits"}
        datasets = [
            Served(names[t], t, ("basket", "product"), True, (f"{names[t]}_state", f"{names[t]}_changes"))
            for t in topics or (LINES, VISITS)
        ]
        patience = Patience(0.01, lambda _: None, threading.Event(), Backoff(first_s=0.001, longest_s=0.002))
        sink: Any = self.warehouse
        writers: Any = self.writer
        self.query = ChangeServing(datasets, writers, sink, self.dead_letters, patience)

    def writer(self, schema_id: int) -> Writer:
        if schema_id in self.unknown:
            raise UnreadableSchema(f"the registry has no schema id {schema_id}", "schema-unknown")
        return known_writer("", schema_id)


@pytest.fixture(autouse=True)
def _schema_with_a_day() -> Iterable[None]:
    SCHEMAS[DAY_ID] = envelope([*FIELDS, DAY])
    yield
    del SCHEMAS[DAY_ID]


def created(*keys: int) -> list[bytes]:
    return [encoded(change("c", row(key))) for key in keys]


def dated(op: str, key: int, day: int) -> bytes:
    image = {**row(key), "day": day}
    return encoded(change(op, None if op == "d" else image, image if op == "d" else None), DAY_ID)


def both(lines: list[bytes], visits: list[bytes]) -> pa.Table:
    return pa.concat_tables([batch(lines, LINES), batch(visits, VISITS, first=50)])


def test_a_day_that_clickhouse_does_not_hold_is_one_dead_letter() -> None:
    shop = Shop()
    done = shop.query.serve(both([dated("c", 1, 0), dated("c", 2, -43829), dated("c", 3, 5)], created(4)), "t:0")
    assert shop.warehouse.products("shop.lines_state") == [1, 3]
    assert shop.warehouse.products("shop.visits_state") == [4]
    (dead_letter,) = shop.dead_letters.got
    assert (dead_letter.topic, dead_letter.offset, dead_letter.rule) == (LINES, 1, "out-of-range")
    assert "column day: 1850-01-01 is outside the range" in dead_letter.reason
    assert (done.rows, done.dead_letters, done.held) == (3, 1, {})


def test_a_row_whose_last_image_was_refused_can_be_deleted() -> None:
    shop = Shop()
    shop.query.serve(batch([dated("c", 1, 0), dated("u", 1, -43829)], LINES), "t:0")
    shop.query.serve(batch([dated("d", 1, -43829)], LINES, first=2), "t:1")
    last = max(shop.warehouse.tables["shop.lines_state"], key=lambda r: r["_offset"])
    assert (last["product"], last["_deleted"], last["_offset"]) == (1, 1, 2)
    assert [each.offset for each in shop.dead_letters.got] == [1, 2], "history has neither image"
    assert [r["_offset"] for r in shop.warehouse.tables["shop.lines_changes"]] == [0]


def test_a_value_that_only_clickhouse_finds_wrong_is_one_dead_letter() -> None:
    shop = Shop()
    shop.warehouse.refused_keys = {3}
    done = shop.query.serve(both(created(1, 2, 3, 4, 5), created(6)), "t:0")
    assert shop.warehouse.products("shop.lines_state") == [1, 2, 4, 5]
    assert shop.warehouse.products("shop.lines_changes") == [1, 2, 4, 5]
    assert shop.warehouse.products("shop.visits_state") == [6]
    assert [(each.offset, each.rule, each.reason) for each in shop.dead_letters.got] == [
        (2, "refused-by-warehouse", "cannot parse")
    ]
    assert done.held == {}
    assert [each.offset for each in shop.query.unreadable(batch(created(3), LINES, first=2))] == [2]


def test_a_table_that_refuses_everything_holds_its_dataset_only() -> None:
    shop = Shop()
    shop.warehouse.broken = {"shop.lines_changes"}
    done = shop.query.serve(both(created(1, 2), created(3)), "t:0")
    assert done.held == {LINES: "shop.lines_changes says no"}
    assert shop.warehouse.products("shop.visits_state") == [3]
    assert (shop.dead_letters.got, done.rows) == ([], 1)
    shop.warehouse.broken.clear()
    assert shop.query.serve(batch(created(1, 2), LINES), "t:0").held == {}
    assert shop.warehouse.products("shop.lines_state") == shop.warehouse.products("shop.lines_changes") == [1, 2]


def test_records_of_a_topic_whose_contract_is_gone_are_passed() -> None:
    shop = Shop(VISITS)
    done = shop.query.serve(both(created(1), created(2)), "t:0")
    assert (done.rows, shop.dead_letters.got) == (1, [])
    assert shop.warehouse.products("shop.visits_state") == [2]


def test_an_error_that_nobody_foresaw_is_one_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.streaming import serving

    rows = serving.rows

    def failing(chunk: Any, *more: Any) -> Any:
        if 1 in chunk.records["offset"].to_pylist():
            raise KeyError("what")
        return rows(chunk, *more)

    monkeypatch.setattr(serving, "rows", failing)
    shop = Shop()
    shop.query.serve(batch(created(1, 2, 3), LINES), "t:0")
    assert shop.warehouse.products("shop.lines_state") == [1, 3]
    assert [(each.offset, each.rule, each.reason) for each in shop.dead_letters.got] == [
        (1, "conversion", "KeyError: 'what'")
    ]


@pytest.mark.parametrize("dies_at", ["shop.lines_state", "shop.lines_changes", "shop.visits_state"])
def test_a_schema_that_comes_between_two_tries_loses_no_row(dies_at: str) -> None:
    shop = Shop()
    records = both([*created(1), dated("c", 2, 0)], created(3))
    shop.unknown, shop.warehouse.away = {DAY_ID}, {dies_at}
    with pytest.raises(SystemUnavailable):
        shop.query.serve(records, "t:0")
    assert [each.offset for each in shop.dead_letters.got] == [1], "it is set aside before anything is inserted"
    shop.unknown, shop.warehouse.away = set(), set()
    shop.query.serve(records, "t:0")
    for table, wanted in {"lines_state": [1, 2], "lines_changes": [1, 2], "visits_state": [3]}.items():
        assert shop.warehouse.products(f"shop.{table}") == wanted
