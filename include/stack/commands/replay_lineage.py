"""`./headrace lineage`: send what is stored to a Marquez that has not seen it."""

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
LOOK_S: Final = 1.0
STANDS_S: Final = 30.0


class NoMarquez(Exception):
    """There is nowhere to send events to; the message says what to set."""


def replay(s: Settings, report: Callable[[str], None], since: datetime) -> None:
    """Send what was stored since then to Marquez again, in the order in which it came; returns when Marquez has it.

    May be ended at any time: the lineage endpoint goes on. Marquez takes an event again without harm.

    Raises:
        NoMarquez: HEADRACE_MARQUEZ_URL is not set.
        psycopg.OperationalError: the platform's database does not answer.
    """
    url = s["HEADRACE_MARQUEZ_URL"]
    if not url:
        raise NoMarquez("HEADRACE_MARQUEZ_URL is empty: set it in .env, then ./headrace up, then this again")
    with psycopg.connect(role_dsn(s, "headrace_platform"), autocommit=True) as connection:
        connection.execute(FORGET)
        marked = connection.execute(MARK, [since]).rowcount
        report(f"{marked:,} events are on their way to {url}")
        left, moved_at = -1, time.monotonic()
        while True:
            waiting, under_way, error = connection.execute(LEFT).fetchone() or (0, 0, None)
            if not waiting + under_way:
                break
            if waiting + under_way != left:
                left, moved_at = waiting + under_way, time.monotonic()
            stands = "nothing moves: see ./headrace logs lineage" if time.monotonic() - moved_at > STANDS_S else ""
            report("; ".join(filter(None, (f"{left:,} to go", error, stands))))
            time.sleep(LOOK_S)
        refused, why = connection.execute(REFUSED).fetchone() or (0, None)
    report(f"Marquez has {marked - refused:,}{f', and refuses {refused:,}: {why}' if refused else ''}")
