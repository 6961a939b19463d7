"""Outbox of alerts: open alerts, sent notifications, and routes that wait for a retry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.services.notifications.due import Notice, Notified, Opening, opening
from headrace.systems.platform import alerts
from headrace.systems.platform.alerts import Alert
from headrace.systems.platform.hook import PlatformHook

if TYPE_CHECKING:
    import psycopg

LOCK: Final = 0x414C5254
"""Advisory lock number that only senders take."""

STANDING: Final = f"""
    SELECT {alerts.COLUMNS} FROM alerts a
     WHERE a.resolved_at IS NULL
        OR EXISTS (SELECT FROM alert_notifications t WHERE t.key = a.key AND t.first_seen = a.first_seen
                      AND t.recovery_at IS NULL AND t.route = ANY (%s))
     ORDER BY first_seen, key"""  # noqa: S608
NOTIFIED: Final = """
    SELECT t.route, t.key, t.first_seen, t.severity, t.notified_at, t.recovery_at IS NOT NULL
      FROM alert_notifications t JOIN alerts a USING (key, first_seen)
     WHERE t.route = ANY (%s) AND (a.resolved_at IS NULL OR t.recovery_at IS NULL)"""
WAITS: Final = "SELECT route, retry_at, failures FROM alert_routes WHERE route = ANY (%s) AND failures > 0"
RECORD: Final = """
    INSERT INTO alert_notifications (key, first_seen, route, severity) VALUES (%s, %s, %s, %s)
    ON CONFLICT (key, first_seen, route) DO UPDATE SET notified_at = now(), severity = excluded.severity"""
OVER: Final = "UPDATE alert_notifications SET recovery_at = now() WHERE key = %s AND first_seen = %s AND route = %s"
SENT: Final = """
    INSERT INTO alert_routes (route, sent_at) VALUES (%s, now())
    ON CONFLICT (route) DO UPDATE SET sent_at = now(), failures = 0, since = NULL, retry_at = NULL, error = ''"""
FAILED: Final = """
    INSERT INTO alert_routes (route, failures, since, retry_at, error)
    VALUES (%(route)s, 1, now(), clock_timestamp() + make_interval(secs => %(wait_s)s), %(error)s)
    ON CONFLICT (route) DO UPDATE
       SET failures = alert_routes.failures + 1, since = coalesce(alert_routes.since, now()),
           retry_at = excluded.retry_at, error = excluded.error"""


class OutboxState(NamedTuple):
    """State of the outbox at one moment."""

    now: datetime
    """Time of the database's clock."""
    alerts: tuple[Alert, ...]
    """All open alerts, and resolved ones whose end one of the routes was not notified of; oldest first."""
    notified: Mapping[str, Mapping[Opening, Notified]]
    """Route → notifications that it has received."""
    failures: Mapping[str, int]
    """Route → consecutive failed messages."""
    waiting: frozenset[str]
    """Routes that wait for their next retry."""


class Outbox:
    """Reads and writes the three tables of the outbox."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def read(self, routes: Sequence[str]) -> OutboxState:
        """Return the state of the outbox for these routes."""
        with self._platform.transaction() as connection:
            return _read(connection, routes)

    def lapse(self) -> int:
        """Resolve alerts that were not raised again in time; return how many."""
        with self._platform.transaction() as connection:
            return connection.execute(alerts.LAPSE).rowcount

    @contextmanager
    def turn(self, route: str) -> Iterator[Turn]:
        """Lock the route for one sender; commit what was recorded at the end."""
        with self._platform.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, route])
            yield Turn(connection, route)


class Turn:
    """Reads and writes the outbox while one route is locked."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], route: str) -> None:
        self._connection = connection
        self._route = route

    def read(self) -> OutboxState:
        """Return the state of the outbox now."""
        return _read(self._connection, [self._route])

    def sent(self, notices: Iterable[Notice]) -> None:
        """Record that the route accepted the message with these notices."""
        for notice in notices:
            key, first_seen = opening(notice.alert)
            if notice.kind == "over":
                self._connection.execute(OVER, [key, first_seen, self._route])
            else:
                self._connection.execute(RECORD, [key, first_seen, self._route, notice.alert.severity])
        self._connection.execute(SENT, [self._route])

    def failed(self, error: str, wait_s: float) -> None:
        """Record that the route failed, and the wait until its retry."""
        self._connection.execute(FAILED, {"route": self._route, "wait_s": wait_s, "error": error})


def _read(connection: psycopg.Connection[tuple[Any, ...]], routes: Sequence[str]) -> OutboxState:
    parameters = [list(routes)]
    (now,) = connection.execute("SELECT clock_timestamp()").fetchall()[0]
    notified: dict[str, dict[Opening, Notified]] = {}
    for route, key, first_seen, *known in connection.execute(NOTIFIED, parameters).fetchall():
        notified.setdefault(route, {})[key, first_seen] = Notified(*known)
    standing = tuple(Alert(*row) for row in connection.execute(STANDING, parameters).fetchall())
    waiting_routes = connection.execute(WAITS, parameters).fetchall()
    return OutboxState(
        now,
        standing,
        notified,
        {route: failures for route, _, failures in waiting_routes},
        frozenset(route for route, retry_at, _ in waiting_routes if retry_at and retry_at > now),
    )
