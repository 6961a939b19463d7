"""Ledger of lake maintenance, and the count of a table's small files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.planning.maintenance import LakeFile, compactable
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

NEW: Final = timedelta(hours=6)
"""Age below which a table that was never maintained is not due by time: it has nothing to expire yet."""
MEBIBYTE: Final = 1024 * 1024
RECORD: Final = """
    INSERT INTO maintained (lake_table, report) VALUES (%s, %s)
    ON CONFLICT (lake_table) DO UPDATE SET at = now(), report = excluded.report"""


class UpkeepLedger:
    """Ledger of maintenance: the table `maintained` of the platform's database."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def record(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Record that these tables were processed, with or without success."""
        from psycopg.types.json import Jsonb

        with self._platform.transaction() as connection:
            for report in reports:
                connection.execute(RECORD, [report["table"], Jsonb(dict(report))])

    def last(self) -> dict[str, datetime]:
        """Return table → when it was last processed."""
        with self._platform.transaction() as connection:
            return dict(connection.execute("SELECT lake_table, at FROM maintained").fetchall())


def is_new(table: Table, now: datetime) -> bool:
    """Return whether the table is empty or has had its first rows for less than NEW."""
    log = table.metadata.snapshot_log
    return not log or now - datetime.fromtimestamp(log[0].timestamp_ms / 1000, UTC) < NEW


def small_files(hook: LakeHook, table: Table, policy: Mapping[str, Any]) -> int:
    """Return the number of files to compact if it reaches the policy's `small_files`; otherwise 0.

    The catalog's metadata decides for most tables; manifests are read only if enough files were added.
    """
    enough = policy["small_files"]
    if not enough or arrived(table, enough) < enough:
        return 0
    found = hook.call(lambda: compactable(_files(table), policy["target_file_mb"] * MEBIBYTE))
    return found if found >= enough else 0


def arrived(table: Table, enough: int) -> int:
    """Return the number of files added since the last compaction, from the snapshots' summaries; stop at `enough`."""
    known = {snapshot.snapshot_id: snapshot for snapshot in table.metadata.snapshots}
    snapshot, count = table.current_snapshot(), 0
    while snapshot is not None and count < enough:
        before = known.get(snapshot.parent_snapshot_id or -1)
        if snapshot.summary is not None and snapshot.summary.operation.value == "replace":
            break
        # The oldest remaining snapshot counts with its total: its files were added at some time before.
        count += _count(snapshot, "added" if before else "total")
        snapshot = before
    return count


def _count(snapshot: Snapshot, which: str) -> int:
    summary: Mapping[str, str] = snapshot.summary or {}
    return sum(int(summary.get(f"{which}-{kind}-files") or 0) for kind in ("data", "delete"))


def _files(table: Table) -> Iterator[LakeFile]:
    from pyiceberg.manifest import DataFileContent

    snapshot = table.current_snapshot()
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            file = entry.data_file
            partition = (manifest.partition_spec_id, repr(file.partition))
            yield LakeFile(partition, file.file_size_in_bytes, file.content != DataFileContent.DATA)
