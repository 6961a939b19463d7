from __future__ import annotations

from decimal import Decimal
from random import Random

import pyarrow as pa

from include.shop.engines.lake import changes_fingerprint
from tests.unit.shop.strange_rows import SHAPE, Row, arrow, hash_of, strange_rows, strange_values


def changes(rows: list[Row], ops: list[str], offsets: list[int]) -> pa.Table:
    return (
        arrow(rows)
        .append_column("_op", pa.array(ops, pa.string()))
        .append_column("_kafka_partition", pa.array([0] * len(rows), pa.int32()))
        .append_column("_offset", pa.array(offsets, pa.int64()))
    )


def test_inserted_rows_have_the_reference_hash_and_sums() -> None:
    rows = strange_rows(500)
    found = changes_fingerprint(changes(rows, ["c"] * 500, list(range(500))), SHAPE)

    assert found.hash == hash_of(rows)
    assert (found.rows, found.duplicates) == (500, 0)
    assert found.sums["k"] == sum(range(500))
    assert found.sums["m"] == sum((row[3] for row in rows if row[3] is not None), Decimal(0))
    assert found.sums["s"] == sum(len(row[7].encode()) for row in rows if row[7] is not None)
    assert found.nulls["b"] == sum(row[8] is None for row in rows)


def test_the_latest_change_of_a_key_counts_in_whatever_order_they_lie() -> None:
    chance = Random(3)
    old = strange_rows(300)
    new = [(*row[:2], *strange_values(chance)) for row in old]
    ops = [chance.choice("ud") for _ in new]
    lying = list(zip(old + new, ["r"] * 300 + ops, range(600), strict=True))
    chance.shuffle(lying)
    rows, kinds, offsets = (list(column) for column in zip(*lying, strict=True))

    found = changes_fingerprint(changes(rows, kinds, offsets), SHAPE)

    left = [row for row, op in zip(new, ops, strict=True) if op != "d"]
    assert (found.rows, found.hash, found.duplicates) == (len(left), hash_of(left), 0)


def test_a_change_that_lies_there_twice_is_counted_as_a_duplicate() -> None:
    rows = strange_rows(3)
    found = changes_fingerprint(changes([*rows, rows[0]], ["c"] * 4, [0, 1, 2, 0]), SHAPE)
    assert (found.rows, found.duplicates, found.hash) == (3, 1, hash_of(rows))


def test_a_deleted_key_that_comes_back_counts_again() -> None:
    (row,) = strange_rows(1)
    found = changes_fingerprint(changes([row] * 3, ["c", "d", "c"], [5, 6, 7]), SHAPE)
    assert (found.rows, found.hash) == (1, hash_of([row]))


def test_an_empty_table_has_an_empty_fingerprint() -> None:
    found = changes_fingerprint(changes([], [], []), SHAPE)
    assert (found.rows, found.duplicates, found.hash) == (0, 0, 0)
    assert set(found.sums.values()) == {0}
