"""Launches of stream groups and heartbeats of their queries (platform database)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from headrace.systems.platform.hook import PlatformHook

REGISTER: Final = """
    INSERT INTO streams (stream_group, plan_version) VALUES (%s, %s)
    ON CONFLICT (stream_group) DO UPDATE
       SET plan_version = excluded.plan_version, launched_at = now(), launches = streams.launches + 1,
           state = 'launching', settled_at = now()
    RETURNING failures"""
FAILED: Final = "UPDATE streams SET failures = failures + 1 WHERE stream_group = %s RETURNING failures"
SETTLED: Final = "UPDATE streams SET failures = 0 WHERE stream_group = %s"
STREAM: Final = "SELECT plan_version, launched_at, launches, failures FROM streams WHERE stream_group = %s"
PULSE: Final = """
    SELECT query, plan_version, state, rows, rows_total, lag, dead_letters, drift, last_error,
           extract(epoch FROM now() - at)::float8, started_at
      FROM stream_heartbeats WHERE stream_group = %s ORDER BY query"""


class Launch(NamedTuple):
    """Last launch of a group's driver."""

    plan_version: str
    launched_at: datetime
    launches: int
    failures: int


class Pulse(NamedTuple):
    """Last heartbeat of one query; `age_s` by the database's clock."""

    query: str
    plan_version: str
    state: str
    rows: int
    rows_total: int
    lag: int
    dead_letters: int
    drift: str
    last_error: str
    age_s: float
    started_at: datetime


class StreamStore:
    """Reads and writes the tables `streams` and `stream_heartbeats` for Airflow."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def register(self, group: str, plan_version: str) -> None:
        """Record a launch. Call it before the launch."""
        with self._platform.transaction() as connection:
            connection.execute(REGISTER, [group, plan_version])

    def launched(self, group: str) -> Launch | None:
        """Return the group's last launch; None before the first."""
        with self._platform.transaction() as connection:
            row = connection.execute(STREAM, [group]).fetchone()
        return Launch(*row) if row else None

    def failed(self, group: str) -> int:
        """Count one more failure soon after a launch; return the number of consecutive failures."""
        with self._platform.transaction() as connection:
            row = connection.execute(FAILED, [group]).fetchone()
        return int(row[0]) if row else 0

    def settled(self, group: str) -> None:
        """Reset the number of consecutive failures."""
        with self._platform.transaction() as connection:
            connection.execute(SETTLED, [group])

    def pulses(self, group: str) -> tuple[Pulse, ...]:
        """Return the last heartbeat of every query of the group."""
        with self._platform.transaction() as connection:
            rows = connection.execute(PULSE, [group]).fetchall()
        return tuple(Pulse(*row) for row in rows)
