"""Versions by windows against versions by asking what was so at every instant, on random streams of changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from include.spark.batch.refine.changes import conformed, passing
from include.spark.batch.refine.versions import current, versions
from tests.integration.refinement.conftest import ITEMS
from tests.support import refinement as slow

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = (
    "id long, amount int, owner string, price decimal(12,2), size string, sold_at timestamp, "
    "_op string, _lsn long, _committed_at timestamp, _topic string, _kafka_partition int, _offset long"
)


@st.composite
def streams(draw: st.DrawFn) -> list[slow.Change]:
    """Changes of a few keys; small domains, so that values repeat and clocks tie and run backwards."""
    count = draw(st.integers(1, 40))
    return [
        slow.Change(
            key=draw(st.integers(1, 5)),
            offset=offset,
            at=draw(st.integers(0, 12)),
            op=draw(st.sampled_from("ccuuurd")),
            fields={"amount": draw(st.integers(0, 2)), "size": draw(st.sampled_from([None, "S", "L"]))},
        )
        for offset in range(count)
    ]


def raw(spark: SparkSession, changes: list[slow.Change]) -> Any:
    rows = [_raw(change) for change in changes]
    return spark.createDataFrame(rows, SCHEMA)


def _raw(c: slow.Change) -> tuple[Any, ...]:
    at = START + timedelta(seconds=c.at)
    shown = (c.key, c.fields["amount"], None, None, c.fields["size"], START)
    return (*shown, c.op, 0, at, "oltp.shop.items", 0, c.offset)


ARRIVALS = {"changes": streams(), "order": st.randoms(use_true_random=False), "again": st.integers(0, 5)}


@settings(max_examples=5)
@given(**ARRIVALS)
def test_versions_equal_the_state_at_every_instant(
    spark: SparkSession, changes: list[slow.Change], order: Any, again: int
) -> None:
    _versions_are_right(spark, changes, order, again)


@pytest.mark.long
@settings(max_examples=50)
@given(**ARRIVALS)
def test_versions_equal_the_state_at_every_instant_of_many_streams(
    spark: SparkSession, changes: list[slow.Change], order: Any, again: int
) -> None:
    _versions_are_right(spark, changes, order, again)


def _versions_are_right(spark: SparkSession, changes: list[slow.Change], order: Any, again: int) -> None:
    arrived = changes + changes[:again]  # some arrive twice, and none in order
    order.shuffle(arrived)
    found = versions(passing(conformed(raw(spark, arrived), ITEMS), ITEMS), ITEMS)
    expected = slow.history(changes)
    assert {_version(row) for row in found.collect()} == expected
    now = {row.id: _fields(row) for row in current(found).collect()}
    assert now == slow.current(expected)


def _version(row: Row) -> slow.Version:
    end = None if row._valid_to is None else _second(row._valid_to)
    assert row._is_current == (end is None)
    return slow.Version(row.id, _fields(row), _second(row._valid_from), end)


def _fields(row: Row) -> tuple[tuple[str, Any], ...]:
    return (("amount", row.amount), ("size", row.size))


def _second(at: datetime) -> int:
    return round((at.astimezone(UTC) - START).total_seconds())
