"""What is known of the lake's upkeep: when a table was last looked after, and how many small files it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from headrace.planning.maintenance import LakeFile, compactable
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

MEBIBYTE: Final = 1024 * 1024
RECORD: Final = """
    INSERT INTO maintained (lake_table, report) VALUES (%s, %s)
    ON CONFLICT (lake_table) DO UPDATE SET at = now(), report = excluded.report"""


class UpkeepLedger:
    """The table `maintained` of the platform's database."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def record(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Note that these tables had their turn, well or not."""
        from psycopg.types.json import Jsonb

        with self._platform.transaction() as connection:
            for report in reports:
                connection.execute(RECORD, [report["table"], Jsonb(dict(report))])

    def since(self, moment: datetime) -> frozenset[str]:
        """The tables that had their turn since then."""
        with self._platform.transaction() as connection:
            rows = connection.execute("SELECT lake_table FROM maintained WHERE at >= %s", [moment]).fetchall()
        return frozenset(row[0] for row in rows)


def small_files(hook: LakeHook, table: Table, policy: Mapping[str, Any]) -> int:
    """Files that compaction would take up, if they are as many as the policy's `small_files`; else 0.

    Most tables are judged by the catalog's metadata alone; manifests are read only where enough files have come.
    """
    enough = policy["small_files"]
    if not enough or arrived(table, enough) < enough:
        return 0
    found = hook.call(lambda: compactable(_files(table), policy["target_file_mb"] * MEBIBYTE))
    return found if found >= enough else 0


def arrived(table: Table, enough: int) -> int:
    """Files that came since the last compaction, by the snapshots' own account; counted no further than `enough`."""
    known = {snapshot.snapshot_id: snapshot for snapshot in table.metadata.snapshots}
    snapshot, count = table.current_snapshot(), 0
    while snapshot is not None and count < enough:
        before = known.get(snapshot.parent_snapshot_id or -1)
        if snapshot.summary is not None and snapshot.summary.operation.value == "replace":
            break
        # The oldest that is left stands for all before it: what it holds came at some time.
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
