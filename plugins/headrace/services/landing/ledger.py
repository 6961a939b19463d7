"""The ledger of dropped files (platform database): which are landed, under which number, and which are refused."""

from __future__ import annotations

from typing import Final

from headrace.services.landing.hook import DroppedFile
from headrace.systems.platform.hook import PlatformHook

BEGIN: Final = """
    INSERT INTO landed_files (dataset, key, etag, bytes) VALUES (%s, %s, %s, %s)
    ON CONFLICT (dataset, key, etag) DO UPDATE SET bytes = excluded.bytes RETURNING id"""
LANDED: Final = "UPDATE landed_files SET state = 'landed', rows = %s, reason = NULL, at = now() WHERE id = %s"
REFUSED: Final = (
    "UPDATE landed_files SET state = 'refused', reason = %s, at = now() WHERE id = %s AND state <> 'landed'"
)
SETTLED: Final = "SELECT key, etag FROM landed_files WHERE dataset = %s AND state <> 'landing'"
REFUSED_KEYS: Final = "SELECT key, etag, reason FROM landed_files WHERE dataset = %s AND state = 'refused'"


class Files:
    """The files of one dataset, in the ledger."""

    def __init__(self, platform: PlatformHook, dataset: str) -> None:
        self._platform = platform
        self._dataset = dataset

    def due(self, dropped: tuple[DroppedFile, ...]) -> tuple[DroppedFile, ...]:
        """Those that are neither landed nor refused."""
        with self._platform.transaction() as connection:
            settled = {(row[0], row[1]) for row in connection.execute(SETTLED, [self._dataset])}
        return tuple(file for file in dropped if (file.key, file.etag) not in settled)

    def refused(self, dropped: tuple[DroppedFile, ...]) -> dict[str, str]:
        """Key → reason, of the refused files that are still there as they were."""
        there = {(file.key, file.etag) for file in dropped}
        with self._platform.transaction() as connection:
            rows = connection.execute(REFUSED_KEYS, [self._dataset]).fetchall()
        return {key: reason for key, etag, reason in rows if (key, etag) in there}

    def begin(self, file: DroppedFile) -> int:
        """The file's number, the same however often it is begun. Written before its first row is."""
        with self._platform.transaction() as connection:
            row = connection.execute(BEGIN, [self._dataset, file.key, file.etag, file.bytes]).fetchone()
        if row is None:
            raise RuntimeError("the ledger gave no number")
        return int(row[0])

    def landed(self, number: int, rows: int) -> None:
        """Note that all its rows are in raw."""
        with self._platform.transaction() as connection:
            connection.execute(LANDED, [rows, number])

    def refuse(self, number: int, reason: str) -> None:
        """Note why none of its rows will be."""
        with self._platform.transaction() as connection:
            connection.execute(REFUSED, [reason, number])
