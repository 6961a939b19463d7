"""Rows that readers see, from the catalog's metadata."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from headrace.systems.endpoint import Endpoint
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
