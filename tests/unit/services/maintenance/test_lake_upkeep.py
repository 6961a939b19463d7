"""How many files came to a table since its last compaction, by its metadata, over a catalog in a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, Summary

from headrace.services.maintenance.upkeep import NEW, arrived, is_new, small_files
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook

POLICY = {"small_files": 5, "target_file_mb": 1}


@pytest.fixture
def hook(tmp_path: Path) -> LakeHook:
    extra = {"type": "jdbc", "warehouse": f"file://{tmp_path}"}
    hook = LakeHook(Endpoint(f"sqlite:///{tmp_path}/catalog.db", extra=extra))
    hook.ensure_namespace("raw")
    hook.catalog.create_table("raw.items", pa.schema([("id", pa.int64())]))
    return hook


def items(hook: LakeHook, files: int) -> Table:
    """The table with so many more files."""
    table = hook.catalog.load_table("raw.items")
    for number in range(files):
        table.append(pa.table({"id": [number]}))
    return table


def test_a_table_that_was_never_written_has_none(hook: LakeHook) -> None:
    assert small_files(hook, items(hook, 0), POLICY) == 0


def test_a_table_is_new_until_some_hours_after_its_first_rows(hook: LakeHook) -> None:
    assert is_new(items(hook, 0), datetime.now(UTC) + NEW)
    table = items(hook, 1)
    first = datetime.now(UTC)
    assert is_new(table, first)
    assert not is_new(items(hook, 1), first + NEW)


def test_small_files_are_counted_when_there_are_enough(hook: LakeHook) -> None:
    assert small_files(hook, items(hook, 4), POLICY) == 0
    assert small_files(hook, items(hook, 2), POLICY) == 6
    assert small_files(hook, items(hook, 0), {**POLICY, "small_files": 0}) == 0


def test_what_expired_snapshots_brought_is_counted_too(hook: LakeHook) -> None:
    table = items(hook, 6)
    older = [snapshot.snapshot_id for snapshot in table.snapshots()][:-1]
    table.maintenance.expire_snapshots().by_ids(older).commit()
    assert len(table.refresh().snapshots()) == 1
    assert small_files(hook, table, POLICY) == 6


def test_only_what_came_after_the_last_compaction_is_counted() -> None:
    def snapshot(number: int, operation: str, files: int) -> Snapshot:
        summary = Summary(Operation(operation), **{"added-data-files": str(files), "total-data-files": "99"})
        return Snapshot(snapshot_id=number, parent_snapshot_id=number - 1, manifest_list="", summary=summary)

    past = [snapshot(1, "append", 50), snapshot(2, "replace", 1), snapshot(3, "append", 2), snapshot(4, "append", 3)]
    table: Any = SimpleNamespace(metadata=SimpleNamespace(snapshots=past), current_snapshot=lambda: past[-1])
    assert arrived(table, 100) == 5
    table.current_snapshot = lambda: past[1]
    assert arrived(table, 100) == 0
    table.current_snapshot = lambda: past[0]
    assert arrived(table, 100) == 99
