"""Ledger of landing files (platform database): number, state and reason of each file."""

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
    """Ledger of the files of one dataset."""

    def __init__(self, platform: PlatformHook, dataset: str) -> None:
        self._platform = platform
        self._dataset = dataset

    def due(self, dropped: tuple[DroppedFile, ...]) -> tuple[DroppedFile, ...]:
        """Return the files that are neither landed nor refused."""
        with self._platform.transaction() as connection:
            settled = {(row[0], row[1]) for row in connection.execute(SETTLED, [self._dataset])}
        return tuple(file for file in dropped if (file.key, file.etag) not in settled)

    def refused(self, dropped: tuple[DroppedFile, ...]) -> dict[str, str]:
        """Return, by key, the reasons of the refused files that still exist unchanged."""
        there = {(file.key, file.etag) for file in dropped}
        with self._platform.transaction() as connection:
            rows = connection.execute(REFUSED_KEYS, [self._dataset]).fetchall()
        return {key: reason for key, etag, reason in rows if (key, etag) in there}

    def begin(self, file: DroppedFile) -> int:
        """Record the file and return its number, before its first row is written. Idempotent."""
        with self._platform.transaction() as connection:
            row = connection.execute(BEGIN, [self._dataset, file.key, file.etag, file.bytes]).fetchone()
        if row is None:
            raise RuntimeError("the ledger returned no number for the file")
        return int(row[0])

    def landed(self, number: int, rows: int) -> None:
        """Record that all rows of the file are in raw."""
        with self._platform.transaction() as connection:
            connection.execute(LANDED, [rows, number])

    def refuse(self, number: int, reason: str) -> None:
        """Record why the file is refused."""
        with self._platform.transaction() as connection:
            connection.execute(REFUSED, [reason, number])
