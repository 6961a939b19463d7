"""Raw changes as rows of what a stream fills."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D
from typing import Any

import pyarrow as pa
import pytest

from headrace.systems.warehouse.arrow_changes import served

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
RAW = pa.schema(
    [
        ("id", pa.int64()), ("total", pa.decimal128(12, 2)), ("note", pa.large_string()),
        ("_op", pa.large_string()), ("_lsn", pa.int64()), ("_committed_at", pa.timestamp("us", "UTC")),
        ("_kafka_partition", pa.int32()), ("_offset", pa.int64()),
    ]
)  # fmt: skip
STATE = (
    {"name": "id", "type": "Int64"},
    {"name": "total", "type": "Decimal(12, 2)", "default": "0"},
    {"name": "note", "type": "Nullable(String)"},
    {"name": "fresh", "type": "Int32", "default": "7"},
    {"name": "_op", "type": "LowCardinality(String)"},
    {"name": "_lsn", "type": "UInt64"},
    {"name": "_kafka_partition", "type": "Int32"},
    {"name": "_offset", "type": "UInt64"},
    {"name": "_committed_at", "type": "DateTime64(6, 'UTC')"},
    {"name": "_inserted_at", "type": "DateTime64(6, 'UTC')", "default": "now64(6)"},
    {"name": "_deleted", "type": "UInt8"},
)


def change(key: int | None, offset: int, op: str = "c", total: Any = D("1.50"), note: str | None = None) -> tuple[Any, ...]:  # fmt: skip
    return (key, total, note, op, None if op == "r" else 10 * offset, NOON + dt.timedelta(seconds=offset), 0, offset)


def raw(*changes: tuple[Any, ...]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(RAW.names, each, strict=True)) for each in changes], schema=RAW)


def test_a_change_is_a_row_with_its_place_and_what_became_of_it() -> None:
    (rows,) = served(raw(change(1, 4, "r", note="a"), change(1, 5, "d", note="a")), STATE)
    assert "fresh" not in rows.column_names, "raw does not have it yet: its default stands there"
    assert rows.schema.field("_offset").type == pa.uint64()
    read, deleted = rows.to_pylist()
    assert read == {
        "id": 1, "total": D("1.50"), "note": "a", "_op": "r", "_lsn": 0, "_kafka_partition": 0, "_offset": 4,
        "_committed_at": NOON + dt.timedelta(seconds=4), "_inserted_at": NOON + dt.timedelta(seconds=4), "_deleted": 0,
    }  # fmt: skip
    assert (deleted["_op"], deleted["_lsn"], deleted["_deleted"]) == ("d", 50, 1)


def test_a_table_without_a_mark_of_deletion_gets_none() -> None:
    (rows,) = served(raw(change(1, 4, "d")), STATE[:-1])
    assert "_deleted" not in rows.column_names


def test_where_a_null_has_a_default_the_column_is_left_out_of_these_rows_alone() -> None:
    parts = list(served(raw(change(1, 4), change(2, 5, total=None), change(3, 6)), STATE))
    assert [(part["id"].to_pylist(), "total" in part.column_names) for part in parts] == [([1, 3], True), ([2], False)]


def test_where_a_null_has_none_the_change_is_left_out() -> None:
    (rows,) = served(raw(change(None, 4), change(2, 5)), STATE)
    assert rows["id"].to_pylist() == [2]
    assert list(served(raw(change(None, 4)), STATE)) == []


def test_an_event_has_no_operation() -> None:
    events = raw(change(1, 4)).drop_columns(["_op", "_lsn"])
    (rows,) = served(events, [column for column in STATE if column["name"] not in ("_op", "_lsn", "_deleted")])
    assert rows["_offset"].to_pylist() == [4]


def test_a_value_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"out of bounds|not in range"):
        list(served(raw(change(2**40, 4)), [{"name": "id", "type": "Int32"}]))


def test_a_day_that_clickhouse_does_not_hold_is_left_out_and_its_deletion_is_not() -> None:
    days = (dt.date(1850, 1, 1), dt.date(1900, 1, 1), dt.date(2300, 1, 1), dt.date(1850, 1, 1))
    table = raw(change(1, 4), change(2, 5), change(3, 6), change(1, 7, "d"))
    table = table.append_column("day", pa.array(days, pa.date32()))
    state = (*STATE, {"name": "day", "type": "Date32"})
    found = [row for part in served(table, state) for row in part.to_pylist()]
    assert [(row["id"], row["_deleted"], row.get("day")) for row in found] == [(2, 0, days[1]), (1, 1, None)]
    (changes,) = served(table, [column for column in state if column["name"] != "_deleted"])
    assert changes["_offset"].to_pylist() == [5]
