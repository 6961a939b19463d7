"""Old events go; the graph that they added up to stays, and of each job the events of its newest run."""

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
    """Delete what is older than so many days, a bounded number at a time; returns how many went."""
    gone = 0
    while True:
        async with pool.connection() as connection:
            done: int = (await connection.execute(DELETE, {"days": days, "most": AT_ONCE})).rowcount
        gone += done
        if done < AT_ONCE:
            return gone


async def keep_pruning(pool: AsyncConnectionPool[Any], days: int) -> None:
    """Prune every hour until cancelled."""
    while True:
        try:
            if gone := await prune(pool, days):
                log.info("%d lineage events older than %d days are gone", gone, days)
        except (DatabaseError, TimeoutError) as error:
            log.warning("old lineage events stay for now: %s", error)
        await asyncio.sleep(EVERY_S)
