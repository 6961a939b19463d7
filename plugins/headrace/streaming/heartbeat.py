"""Heartbeats and alerts of a driver in the platform database. A failed heartbeat never stops a stream."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from headrace.streaming.pulse import Pulse
from headrace.systems.platform import alerts

EVERY_S: Final = 1.0
"""Seconds between two heartbeats, at least."""
STALE_S: Final = 20.0
"""Seconds without progress after which a query gets no heartbeat; the missing heartbeat is the alarm."""
RETRY_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 3
ALERTS_S: Final = 5.0
"""Seconds between two updates of the alerts, at least."""
LAPSES_S: Final = 120.0
"""Seconds without a new raise after which an alert resolves: its driver is gone."""
FAILING: Final = timedelta(minutes=10)

DRIVER: Final = """
    INSERT INTO streams (stream_group, plan_version, host, pid, started_at, state)
    VALUES (%(group)s, %(plan_version)s, %(host)s, %(pid)s, %(started_at)s, %(state)s)
    ON CONFLICT (stream_group) DO UPDATE
       SET host = excluded.host, pid = excluded.pid, started_at = excluded.started_at, state = excluded.state,
           settled_at = CASE WHEN streams.state = excluded.state THEN streams.settled_at ELSE now() END"""
LEFT: Final = """
    UPDATE streams SET state = %(state)s, settled_at = now()
     WHERE stream_group = %(group)s AND host = %(host)s AND pid = %(pid)s"""
BEAT: Final = """
    INSERT INTO stream_heartbeats (stream_group, query, plan_version, host, pid, started_at, at, state, batch_id,
        rows, rows_total, rows_per_s, lag, dead_letters, drift, last_error, last_error_at)
    VALUES (%(group)s, %(query)s, %(plan_version)s, %(host)s, %(pid)s, %(started_at)s, now(), %(state)s, %(batch_id)s,
        %(rows)s, %(rows_total)s, %(rows_per_s)s, %(lag)s, %(dead_letters)s, %(drift)s, %(last_error)s, %(last_error_at)s)
    ON CONFLICT (stream_group, query) DO UPDATE
       SET plan_version = excluded.plan_version, host = excluded.host, pid = excluded.pid,
           started_at = excluded.started_at, at = excluded.at, state = excluded.state, batch_id = excluded.batch_id,
           rows = excluded.rows, rows_total = excluded.rows_total, rows_per_s = excluded.rows_per_s,
           lag = excluded.lag, dead_letters = excluded.dead_letters, drift = excluded.drift,
           last_error = excluded.last_error, last_error_at = excluded.last_error_at"""
FORGET: Final = "DELETE FROM stream_heartbeats WHERE stream_group = %(group)s AND NOT query = ANY(%(queries)s)"

log = logging.getLogger(__name__)


class Heartbeat:
    """Thread that writes the heartbeats. Does nothing without a `dsn`."""

    def __init__(
        self,
        dsn: str,
        group: str,
        plan_version: str,
        pulses: Callable[[], Sequence[Pulse]],
        datasets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Create it. `datasets` is topic → id of its dataset."""
        self._dsn = dsn
        self._group = group
        self._datasets = datasets
        self._alerted_at = float("-inf")
        self._pulses = pulses
        self._identity: Mapping[str, Any] = {
            "group": group,
            "plan_version": plan_version,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started_at": datetime.now(UTC),
        }
        self._connection: psycopg.Connection[Any] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        if self._dsn:
            self._thread.start()

    def stop(self) -> None:
        """Write a last heartbeat with state stopped, and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=CONNECT_TIMEOUT_S + 2)

    def _run(self) -> None:
        known = False
        while True:
            stopping = self._stopping.wait(EVERY_S)
            try:
                self._beat(known=known, stopping=stopping)
                known = True
            except (psycopg.Error, OSError) as error:
                log.warning("no heartbeat: %s", str(error).strip())
                self._disconnect()
                known = False
                self._stopping.wait(RETRY_S)
            if stopping:
                self._disconnect()
                return

    def _beat(self, *, known: bool, stopping: bool) -> None:
        connection = self._connected()
        pulses = self._pulses()
        now = time.monotonic()
        beats = [self._values(pulse) for pulse in pulses if now - pulse.moved_at < STALE_S or stopping]
        with connection.transaction(), connection.cursor() as cursor:
            if not known:
                cursor.execute(DRIVER, {**self._identity, "state": "running"})
                cursor.execute(FORGET, {**self._identity, "queries": [pulse.query for pulse in pulses]})
            for beat in beats:
                cursor.execute(BEAT, beat)
            if now - self._alerted_at >= ALERTS_S and not stopping:
                self._raise_alerts(cursor, pulses)
                self._alerted_at = now
            if stopping:
                cursor.execute(LEFT, {**self._identity, "state": "stopped"})

    def _raise_alerts(self, cursor: psycopg.Cursor[Any], pulses: Sequence[Pulse]) -> None:
        """Raise alerts for topics and queries that are not served; resolve those that are served again."""
        found = {key: alert for pulse in pulses for key, alert in self._troubles(pulse)}
        for key, (dataset, text) in found.items():
            cursor.execute(alerts.RAISE, [key, "error", dataset, text, "", Jsonb([]), "", LAPSES_S])
        cursor.execute(alerts.RESOLVE_OTHERS, [f"stream:{self._group}/", list(found)])

    def _troubles(self, pulse: Pulse) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the key of each alert with its dataset and text."""
        key = f"stream:{self._group}/{pulse.query}"
        for topic, why in pulse.troubles.items():
            yield f"{key}:{topic}", (self._datasets.get(topic, ""), f"{pulse.query} does not serve {topic}: {why}")
        failed_at = pulse.last_error_at
        if pulse.state != "running" and failed_at and datetime.now(UTC) - failed_at < FAILING:
            yield key, ("", f"query {pulse.query} of {self._group} fails and is retried: {pulse.last_error}")

    def _values(self, pulse: Pulse) -> dict[str, Any]:
        return {
            **self._identity,
            "query": pulse.query,
            "state": pulse.state,
            "batch_id": pulse.batch_id,
            "rows": pulse.rows,
            "rows_total": pulse.rows_total,
            "rows_per_s": pulse.rows_per_s,
            "lag": pulse.lag,
            "dead_letters": pulse.dead_letters,
            "drift": pulse.drift,
            "last_error": pulse.last_error,
            "last_error_at": pulse.last_error_at,
        }

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            options = "-c statement_timeout=5000 -c lock_timeout=2000"
            self._connection = psycopg.connect(
                self._dsn, connect_timeout=CONNECT_TIMEOUT_S, options=options, autocommit=True
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
