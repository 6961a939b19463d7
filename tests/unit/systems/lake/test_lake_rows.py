"""Rows that readers see, from the catalog's metadata."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from headrace.systems.endpoint import Endpoint
from headrace.systems.lake import rows
from headrace.systems.lake.hook import LakeHook, seen_rows


@pytest.mark.parametrize(
    ("summary", "rows"),
    [
        ({}, 0),
        ({"total-records": "12"}, 12),
        ({"total-records": "12", "total-position-deletes": "5"}, 7),
        ({"total-records": "3", "total-position-deletes": "5"}, 0),  # in the middle of a compaction
    ],
)
def test_rows_that_are_marked_as_deleted_are_not_seen(summary: dict[str, str], rows: int) -> None:
    assert seen_rows(summary) == rows


def test_a_table_that_is_missing_empty_or_filled(tmp_path: Path) -> None:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    hook = LakeHook(Endpoint(host="http://nowhere"))
    hook.__dict__["catalog"] = catalog
    assert (hook.rows("raw.x"), hook.records("raw.x")) == (None, None)
    data = pa.table({"id": pa.array([1, 2, 3], pa.int64())})
    catalog.create_namespace("raw")
    table = catalog.create_table("raw.x", data.schema)
    assert (hook.rows("raw.x"), hook.records("raw.x")) == (0, 0)
    table.append(data)
    assert (hook.rows("raw.x"), hook.records("raw.x")) == (3, 3)
    catalog.close()


@pytest.mark.parametrize(
    ("columns", "start", "end", "may"),
    [
        (("at",), (2026, 1, 1), (2026, 1, 2), True),
        (("at",), (2026, 1, 2), (2026, 1, 3), False),  # the end is not included, the start is
        (("at",), (2025, 12, 31), (2026, 1, 1), False),
        (("day",), (2017, 3, 6), (2017, 3, 7), True),
        (("day",), (2017, 3, 8), (2017, 3, 9), False),
        (("at", "day"), (2017, 3, 6), (2017, 3, 7), True),
        (("at", "day"), (2020, 1, 1), (2020, 1, 2), False),
    ],
)
def test_metadata_shows_that_a_table_holds_nothing_of_an_interval(
    tmp_path: Path, columns: tuple[str, ...], start: tuple[int, int, int], end: tuple[int, int, int], may: bool
) -> None:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    times = pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    data = pa.table({"at": times, "day": pa.array([date(2017, 3, 6), None], pa.date32())})
    catalog.create_namespace("raw")
    table = catalog.create_table("raw.x", data.schema)
    interval = datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)
    assert not rows.may_hold(table, columns, *interval)
    table.append(data)
    assert rows.may_hold(table, columns, *interval) is may
    catalog.close()
