"""Metrics in signed parts: whatever changes in whatever batches, the parts add up to the rows as they are."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.streaming.decode import decode
from headrace.streaming.metrics.deltas import RECOVERY, images, newest, signed
from headrace.streaming.metrics.rollups import roll_up
from headrace.streaming.metrics.snapshots import Heads, Snapshot, begun, joined, not_counted, snapshot_of
from headrace.streaming.metrics.spec import Lookup, Metrics, Rollup
from tests.support.change_records import TARGET, batch, change, encoded, row, writer_of

BY_STORE = Rollup("m.by_store", ("store",))
METRICS = Metrics(
    name="sales",
    fact="shop.lines",
    event_time="at",
    measures={"sales": pl.col("value"), "units": pl.col("quantity").cast(pl.Int64), "discount": pl.col("discount")},
    distincts={"basket_lines": "basket", "household_lines": "household"},
    rollups=(BY_STORE,),
    lookup=Lookup("department", "product", "shop.products", "(unknown)"),
    lateness=dt.timedelta(minutes=10),
)
NO_READS = np.array([False])


def parts(values: list[bytes], first: int = 0, watermark: dt.datetime | None = None) -> list[dict[str, Any]]:
    made, dead = decode(batch(values, first=first), writer_of, lambda chunk: images(chunk, TARGET, METRICS))
    assert dead == []
    lines = signed(made, METRICS, watermark).with_columns(pl.lit(0, pl.UInt64).alias("_snapshot"))
    return roll_up(lines, METRICS, BY_STORE).to_pylist()


def added_up(found: list[dict[str, Any]]) -> dict[tuple[Any, int], tuple[Any, ...]]:
    """By minute and store: sales, units, discount, lines, baskets, households. What ClickHouse does with the parts."""
    sums: dict[Any, list[Any]] = collections.defaultdict(lambda: [decimal.Decimal(0), 0, decimal.Decimal(0), 0])
    ids: dict[Any, tuple[collections.Counter[int], collections.Counter[int]]] = collections.defaultdict(
        lambda: (collections.Counter(), collections.Counter())
    )
    for part in found:
        key = part["minute"], part["store"]
        for i, name in enumerate(("sales", "units", "discount", "lines")):
            sums[key][i] += part[name]
        for counter, name in zip(ids[key], METRICS.distincts, strict=True):
            for identity, lines in part[name]:
                counter[identity] += lines
    return {
        key: (*values, *(sum(n > 0 for n in counter.values()) for counter in ids[key]))
        for key, values in sums.items()
        if values[3]
    }


def truth(rows: dict[int, dict[str, Any]]) -> dict[tuple[Any, int], tuple[Any, ...]]:
    cells: dict[Any, list[dict[str, Any]]] = collections.defaultdict(list)
    for line in rows.values():
        minute = dt.datetime.fromisoformat(line["at"]).replace(second=0, microsecond=0)
        cells[minute, line["store"]].append(line)
    return {
        key: (
            sum(line["value"] for line in lines),
            sum(line["quantity"] for line in lines),
            sum(line["discount"] for line in lines),
            len(lines),
            len({line["basket"] for line in lines}),
            len({line["household"] for line in lines} - {None}),
        )
        for key, lines in cells.items()
    }


keys = st.integers(0, 8)
lines_of = st.builds(
    lambda key, quantity, cents, household, seconds: row(
        key, quantity=quantity, value=decimal.Decimal(cents).scaleb(-2), household=household,
        at=row(seconds)["at"], store=seconds % 2,
    ),
    keys, st.integers(-3, 3), st.integers(-(10**11), 10**11), st.sampled_from([None, 1, 2]), st.integers(0, 20),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("cccud"), lines_of), max_size=30), st.integers(1, 30))
def test_parts_add_up_to_the_rows_as_they_are(steps: list[tuple[str, dict[str, Any]]], size: int) -> None:
    rows: dict[int, dict[str, Any]] = {}
    values = []
    for op, line in steps:
        key, old = line["product"], rows.get(line["product"])
        if op == "d" and old is not None:
            values.append(encoded(change("d", None, rows.pop(key))))
        elif op != "d":
            values.append(encoded(change("u" if old else "c", line, old)))
            rows[key] = line
    found = [part for i in range(0, len(values), size) for part in parts(values[i : i + size], first=i)]
    assert added_up(found) == truth(rows)


def test_what_comes_to_nothing_is_no_part() -> None:
    values = [
        encoded(change("c", row(1))),
        encoded(change("u", row(1, note="x"), row(1))),
        encoded(change("d", None, row(1))),
    ]
    assert parts(values) == []
    assert len(parts(values[:1])) == 1
    assert parts(values[1:2]) == []


def test_lines_that_move_between_baskets_are_parts_though_their_sums_are_nought() -> None:
    (part,) = parts([encoded(change("u", row(1, basket=8), row(1, basket=7)))])
    assert dict(part["basket_lines"]) == {7: -1, 8: 1}
    assert (part["lines"], part["sales"]) == (0, 0)


def test_types_are_those_of_the_tables() -> None:
    made, _ = decode(batch([encoded(change("c", row(1)))]), writer_of, lambda chunk: images(chunk, TARGET, METRICS))
    lines = signed(made, METRICS, None).with_columns(pl.lit(0, pl.UInt64).alias("_snapshot"))
    schema = roll_up(lines, METRICS, BY_STORE).schema
    assert schema.field("minute").type == pa.timestamp("s", "UTC")
    assert schema.field("sales").type == pa.decimal128(38, 2)
    assert schema.field("units").type == pa.int64()
    assert schema.field("basket_lines").type == pa.map_(pa.int64(), pa.int64())
    assert schema.field("changed_at").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(("op", "late"), [("c", 1), ("u", 1), ("d", 1), ("r", 0)])
def test_a_change_behind_the_watermark_is_counted_and_counted_late_once(op: str, late: int) -> None:
    after, before = (None if op == "d" else row(1, quantity=5)), (row(1) if op in "ud" else None)
    event = dt.datetime.fromisoformat(row(1)["at"])
    (part,) = parts([encoded(change(op, after, before))], watermark=event + dt.timedelta(microseconds=1))
    assert part["late_rows"] == late
    assert part["units"] == {"c": 5, "r": 5, "u": 3, "d": -2}[op]
    (part,) = parts([encoded(change(op, after, before))], watermark=event)
    assert part["late_rows"] == 0


def test_an_event_that_claims_to_be_of_the_future_does_not_move_the_watermark_beyond_its_commit() -> None:
    far = encoded(change("c", row(1, at="2999-01-01T00:00:00Z")))
    near = encoded(change("c", row(2)))
    made, _ = decode(batch([far]), writer_of, lambda chunk: images(chunk, TARGET, METRICS))
    assert newest(made, METRICS) == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    made, _ = decode(batch([near]), writer_of, lambda chunk: images(chunk, TARGET, METRICS))
    assert newest(made, METRICS) == dt.datetime.fromisoformat(row(2)["at"])


def heads(*records: tuple[int, str, int], partition: int = 0) -> Heads:
    """Of (offset, operation, when) each."""
    offsets, ops, taken = zip(*records, strict=True)
    count = len(records)
    return Heads(
        np.full(count, partition), np.array(offsets), np.array([op == "r" for op in ops]), np.array(taken), np.full(count, -1),
    )  # fmt: skip


def test_the_first_snapshot_begins_the_count() -> None:
    assert begun([], heads((0, "r", 9), (1, "r", 9), (2, "c", 11))) == [Snapshot(0, 0, 9)]
    assert begun([], heads((3, "c", 9), (4, "u", 10))) == [Snapshot(0, 0, 0)]
    assert begun([], heads((3, "c", 9), (4, "r", 10), (5, "r", 10))) == [Snapshot(0, 0, 0), Snapshot(0, 4, 10)]


def test_a_snapshot_goes_on_in_the_next_batch_and_after_a_restart() -> None:
    known = begun([], heads((0, "r", 9), (1, "r", 9)))
    assert begun(known, heads((2, "r", 9), (3, "r", 9), (4, "c", 12))) == []


def test_a_table_read_anew_begins_a_new_count() -> None:
    known = begun([], heads((0, "r", 9), (1, "c", 10)))
    again = heads((2, "u", 11), (3, "r", 20), (4, "r", 20), (5, "c", 21))
    fresh = begun(known, again)
    assert fresh == [Snapshot(0, 3, 20)]
    assert snapshot_of([*known, *fresh], again.partition, again.offset).tolist() == [0, 3, 3, 3]
    assert begun([*known, *fresh], again) == []  # the batch done again


def test_a_snapshot_cut_short_and_begun_anew_counts_from_its_second_beginning() -> None:
    records = heads((0, "r", 9), (1, "r", 9), (2, "r", 30), (3, "r", 30))
    fresh = begun([], records)
    assert fresh == [Snapshot(0, 0, 9), Snapshot(0, 2, 30)]
    assert snapshot_of(fresh, records.partition, records.offset).tolist() == [0, 0, 2, 2]


def test_partitions_count_by_themselves() -> None:
    both = joined([heads((0, "r", 9), (5, "r", 9), partition=1), heads((7, "c", 3), partition=0)])
    assert both.partition.tolist() == [0, 1, 1]
    known = begun([], both)
    assert known == [Snapshot(0, 0, 0), Snapshot(1, 0, 9)]
    more = heads((9, "r", 40), partition=0)
    assert begun(known, more) == [Snapshot(0, 9, 40)]


def test_rows_that_recovery_deletes_were_never_in_a_count_that_began_with_the_fresh_snapshot() -> None:
    known = [Snapshot(0, 0, 9), Snapshot(0, 10, 20)]
    gone = heads((15, "d", 30), (16, "d", 30))._replace(recovered=np.array([10, -1]))
    assert not_counted(known, gone).tolist() == [15]
    assert (
        not_counted(known[:1], gone).tolist() == []
    )  # the table was empty: no new count began, so they are taken away


def test_recovery_is_known_by_its_origin() -> None:
    values = [
        encoded(change("d", None, row(1), origin=RECOVERY, origin_lsn=40)),
        encoded(change("d", None, row(2), origin="other", origin_lsn=40)),
        encoded(change("d", None, row(3))),
    ]
    made, _ = decode(batch(values), writer_of, lambda chunk: images(chunk, TARGET, METRICS))
    assert made[0].heads.recovered.tolist() == [40, -1, -1]
