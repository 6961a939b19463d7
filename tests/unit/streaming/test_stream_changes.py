"""Changes → rows: the row as it is, the row that is gone, where it came from."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.contracts.loading import load_contracts
from headrace.planning.warehouse import warehouse
from headrace.streaming.changes import before_images, rows
from headrace.streaming.datasets import Served
from headrace.streaming.decode import Chunk, DeadLetter, decode
from headrace.streaming.serving import ServedRows, inserts
from headrace.streaming.writer import compile_writer
from tests.support.change_records import PLAIN_ID, TARGET, WIDER_ID, batch, change, encoded, row, writer_of


def served(values: list[bytes], target: dict[str, str] = TARGET) -> tuple[list[Any], list[DeadLetter]]:
    made, dead = decode(batch(values, first=50, partition=3), writer_of, lambda chunk: rows(chunk, target))
    return made, dead


def by_offset(values: list[bytes]) -> dict[int, dict[str, Any]]:
    made, dead = served(values)
    assert dead == []
    return {line["_offset"]: line for part in made for line in part.table.to_pylist()}


def test_each_change_gives_the_row_after_it_and_a_deletion_the_row_before() -> None:
    old, new = row(1, quantity=1), row(1, quantity=9)
    found = by_offset(
        [
            encoded(change("r", old, lsn=5)),
            encoded(change("c", row(2), lsn=6)),
            encoded(change("u", new, old, lsn=7)),
            encoded(change("d", None, new, lsn=8, ts_us=1_700_000_000_123_456)),
        ]
    )
    assert {offset: (line["quantity"], line["_op"], line["_deleted"]) for offset, line in found.items()} == {
        50: (1, "r", 0),
        51: (2, "c", 0),
        52: (9, "u", 0),
        53: (9, "d", 1),
    }
    assert found[53]["_lsn"] == 8
    assert found[53]["_kafka_partition"] == 3
    assert found[53]["_committed_at"] == dt.datetime(2023, 11, 14, 22, 13, 20, 123456, dt.UTC)


def test_every_column_that_says_where_a_row_came_from_is_one_of_the_planned_tables() -> None:
    schemas = Path(__file__).parents[3] / "include" / "schemas"
    contract = next(c for c in load_contracts(schemas) if c.id == "retail.transactions")
    state = next(r for r in warehouse(contract) if r.name.endswith("_state"))
    planned = {column["name"] for column in state.spec["columns"] if column["name"].startswith("_")}
    (made,), _ = served([encoded(change("c", row(1)))])
    assert {name for name in made.table.column_names if name.startswith("_")} == planned - {"_inserted_at"}


def test_a_source_without_its_own_time_has_the_records() -> None:
    schema = {
        "type": "record",
        "name": "Envelope",
        "fields": [
            {"name": "before", "type": ["null", {"type": "record", "name": "V", "fields": [{"name": "a", "type": "int"}]}]},
            {"name": "after", "type": ["null", "V"]},
            {"name": "source", "type": {"type": "record", "name": "S", "fields": [{"name": "ts_ms", "type": "long"}]}},
            {"name": "op", "type": "string"},
        ],
    }  # fmt: skip
    value = encoded({"before": None, "after": {"a": 1}, "source": {"ts_ms": 1500}, "op": "c"}, 1, schema)
    made, _ = decode(batch([value]), lambda _, i: compile_writer(i, schema), lambda c: rows(c, {"a": "Int32"}))
    (line,) = made[0].table.to_pylist()
    assert line["_committed_at"] == dt.datetime(1970, 1, 1, 0, 0, 1, 500_000, dt.UTC)
    assert "_lsn" not in line


def test_a_plain_record_is_a_row_of_its_own() -> None:
    (line,) = by_offset([encoded(row(4), PLAIN_ID)]).values()
    assert (line["product"], line["_op"], line["_deleted"]) == (4, "c", 0)
    assert line["_committed_at"] == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)


def test_a_field_of_a_plain_record_may_mark_it_as_deleted() -> None:
    schema = {"type": "record", "name": "V", "fields": [{"name": "gone", "type": ["null", "boolean"], "default": None}]}
    values = [encoded({"gone": mark}, 1, schema) for mark in (True, False, None)]
    writer = compile_writer(1, schema)
    for field, marks in (("gone", [1, 0, 0]), (None, [0, 0, 0]), ("left", [0, 0, 0])):
        made, dead = decode(batch(values), lambda *_: writer, lambda c, f=field: rows(c, {"gone": "Nullable(Bool)"}, f))
        assert not dead
        assert made[0].table["_deleted"].to_pylist() == marks


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (change("t"), "operation t is not served"),
        (change("m"), "operation m is not served"),
        (change("c"), "no row image `after`"),
        (change("d"), "no row image `before`"),
        (change("u", None, row(1)), "no row image `after`"),
        (change("c", row(1, at="soon")), "column at"),
    ],
)
def test_a_change_that_gives_no_row_is_set_aside_alone(bad: dict[str, Any], why: str) -> None:
    good = encoded(change("c", row(1)))
    made, dead = served([good, encoded(bad), good])
    assert [d.offset for d in dead] == [51]
    assert why in dead[0].reason
    assert sorted(o for part in made for o in part.table["_offset"].to_pylist()) == [50, 52]


def test_a_column_that_only_the_source_has_is_left_out_and_reported() -> None:
    made, _ = served([encoded(change("c", {**row(1), "till": "t4"}), WIDER_ID)])
    assert made[0].drift == {"till"}
    assert "till" not in made[0].table.column_names
    made, _ = served([encoded(change("c", {**row(1), "till": "t4"}), WIDER_ID)], {**TARGET, "till": "Nullable(String)"})
    assert made[0].drift == frozenset()
    assert made[0].table["till"].to_pylist() == ["t4"]


def test_a_column_that_only_the_target_has_is_left_to_its_default() -> None:
    made, _ = served([encoded(change("c", row(1)))], {**TARGET, "colour": "String"})
    assert "colour" not in made[0].table.column_names


def test_images_before_are_of_updates_only() -> None:
    old, new = row(1, quantity=1), row(1, quantity=9)
    values = [
        encoded(change("c", old)), encoded(change("u", new, old)), encoded(change("d", None, new)), encoded(change("r", old)),
    ]  # fmt: skip
    made, _ = decode(batch(values), writer_of, lambda chunk: before_images(chunk, TARGET))
    assert [table.select(["quantity", "_offset", "_op"]).to_pylist() for table in made] == [
        [{"quantity": 1, "_offset": 1, "_op": "u"}]
    ]


def test_an_update_without_the_old_row_is_refused() -> None:
    _, dead = decode(batch([encoded(change("u", row(1)))]), writer_of, lambda chunk: before_images(chunk, TARGET))
    assert "REPLICA IDENTITY FULL" in dead[0].reason


def test_one_insert_a_table_and_set_of_columns_which_may_be_made_twice() -> None:
    dataset = Served("shop.lines", "t", ("basket",), True, ("shop.lines_state", "shop.lines_changes"))
    state = {name: type_ for name, type_ in TARGET.items() if name != "note"}
    columns = {"shop.lines_state": state, "shop.lines_changes": {n: t for n, t in state.items() if n != "_deleted"}}
    values = [
        encoded(change("c", row(1))),
        encoded(change("c", {**row(2), "till": "x"}), WIDER_ID),
        encoded(change("d", None, row(3))),
    ]

    def step(chunk: Chunk) -> ServedRows:
        return ServedRows(dataset, columns, rows(chunk, state), chunk.records)

    made, _ = decode(batch(values), writer_of, step)
    found = inserts(made)
    assert [(i.table, i.rows.num_rows, i.token) for i in found] == [
        ("shop.lines_state", 3, ""),
        ("shop.lines_changes", 3, ""),
    ]
    assert "_deleted" not in found[1].rows.column_names
    assert isinstance(found[0].rows, pa.Table)
