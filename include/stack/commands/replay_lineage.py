"""Send stored OpenLineage events to a Marquez server: `./headrace lineage replay`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import psycopg

from include.stack.databases import role_dsn
from include.stack.settings import Settings

MARK: Final = "UPDATE lineage.events SET to_forward = true WHERE NOT to_forward AND received_at >= %s"
FORGET: Final = "DELETE FROM lineage.refused"
LEFT: Final = """
    SELECT (SELECT count(*) FROM lineage.events WHERE to_forward), count(*), max(last_error)
      FROM lineage.outbox"""
REFUSED: Final = "SELECT count(*), max(reason) FROM lineage.refused"
POLL_S: Final = 1.0
STANDS_S: Final = 30.0


class NoMarquez(Exception):
    """No Marquez server is configured; the message names the setting."""


def replay(s: Settings, report: Callable[[str], None], since: datetime) -> None:
    """Send all events received since a time to Marquez, in order of arrival; return when all are sent.

    Safe to interrupt: the lineage endpoint continues. Marquez accepts an event twice without harm.

    Raises:
        NoMarquez: HEADRACE_MARQUEZ_URL is not set.
        psycopg.OperationalError: the platform's database does not answer.
    """
    url = s["HEADRACE_MARQUEZ_URL"]
    if not url:
        raise NoMarquez("HEADRACE_MARQUEZ_URL is empty: set it in .env, run ./headrace up, then retry this command")
    with psycopg.connect(role_dsn(s, "headrace_platform"), autocommit=True) as connection:
        connection.execute(FORGET)
        marked = connection.execute(MARK, [since]).rowcount
        report(f"sending {marked:,} events to {url}")
        left, moved_at = -1, time.monotonic()
        while True:
            waiting, under_way, error = connection.execute(LEFT).fetchone() or (0, 0, None)
            if not waiting + under_way:
                break
            if waiting + under_way != left:
                left, moved_at = waiting + under_way, time.monotonic()
            stands = "no progress: see ./headrace logs lineage" if time.monotonic() - moved_at > STANDS_S else ""
            report("; ".join(filter(None, (f"{left:,} events left", error, stands))))
            time.sleep(POLL_S)
        refused, why = connection.execute(REFUSED).fetchone() or (0, None)
    report(f"Marquez accepted {marked - refused:,} events{f' and rejected {refused:,}: {why}' if refused else ''}")
