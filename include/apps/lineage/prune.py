"""Retention of lineage events: delete old events, keep the graph and the events of each job's newest run."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from psycopg import Error as DatabaseError
from psycopg_pool import AsyncConnectionPool

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
AT_ONCE: Final = 5_000

DELETE: Final = """
DELETE FROM lineage.events WHERE id IN (
    SELECT e.id FROM lineage.events e
     WHERE e.received_at < now() - make_interval(days => %(days)s) AND NOT e.to_forward
       AND NOT EXISTS (SELECT FROM lineage.outbox o WHERE o.event_id = e.id)
       AND EXISTS (SELECT FROM lineage.events n
                    WHERE n.job_id = e.job_id AND n.run_id <> e.run_id AND n.sequence > e.sequence)
     ORDER BY e.sequence LIMIT %(most)s FOR UPDATE OF e SKIP LOCKED)
"""


async def prune(pool: AsyncConnectionPool[Any], days: int) -> int:
    """Delete events older than `days`, in bounded batches; return the number of deleted events."""
    gone = 0
    while True:
        async with pool.connection() as connection:
            done: int = (await connection.execute(DELETE, {"days": days, "most": AT_ONCE})).rowcount
        gone += done
        if done < AT_ONCE:
            return gone


async def keep_pruning(pool: AsyncConnectionPool[Any], days: int) -> None:
    """Prune every hour until cancelled; log errors and continue."""
    while True:
        try:
            if gone := await prune(pool, days):
                log.info("deleted %d lineage events older than %d days", gone, days)
        except (DatabaseError, TimeoutError) as error:
            log.warning("could not delete old lineage events; retry in an hour: %s", error)
        await asyncio.sleep(EVERY_S)
