"""Forward events to Marquez in the background: at least once, in order of arrival, without delaying requests.

Storing an event only marks it. This loop moves marked events to a bounded outbox, posts them and
removes them. If Marquez is unreachable or failing, the loop retries with increasing waits. An event
that Marquez rejects permanently is set aside with the reason, and the others continue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import httpx
from psycopg import Error as DatabaseError
from psycopg_pool import AsyncConnectionPool

from headrace.systems.retry import Backoff
from include.apps.lineage.config import Config

log = logging.getLogger(__name__)

BATCH: Final = 50
LEASE_S: Final = 120
IDLE_S: Final = 1.0
MAX_ATTEMPTS: Final = 20
"""Attempts per event (5xx while Marquez accepts others) before it is set aside."""
BACKOFF: Final = Backoff(first_s=1.0, longest_s=60.0)
AGAIN: Final = frozenset({401, 403, 404, 408, 425, 429, 502, 503, 504})
"""HTTP statuses caused by Marquez or its address, not by the event."""

FILL: Final = """
WITH room AS (
    SELECT greatest(0, %(size)s - count(*)) AS free FROM lineage.outbox
), moved AS (
    UPDATE lineage.events SET to_forward = false WHERE id IN (
        SELECT id FROM lineage.events WHERE to_forward ORDER BY sequence
        LIMIT (SELECT free FROM room) FOR UPDATE SKIP LOCKED)
    RETURNING id, sequence
)
INSERT INTO lineage.outbox (event_id, sequence) SELECT id, sequence FROM moved
ON CONFLICT (event_id) DO NOTHING
"""
"""Move marked events to the outbox. An event marked again while in the outbox is sent once."""

CLAIM: Final = """
WITH due AS (
    SELECT event_id FROM lineage.outbox WHERE due_at <= now() ORDER BY sequence
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE lineage.outbox o SET due_at = now() + make_interval(secs => %(lease)s)
    FROM due WHERE o.event_id = due.event_id
    RETURNING o.event_id, o.sequence, o.attempts
)
SELECT c.event_id, c.attempts, e.payload::text
FROM claimed c JOIN lineage.events e ON e.id = c.event_id ORDER BY c.sequence
"""

DONE: Final = "DELETE FROM lineage.outbox WHERE event_id = ANY(%(ids)s)"

RELEASE: Final = """
UPDATE lineage.outbox SET due_at = now(), last_error = %(error)s WHERE event_id = ANY(%(ids)s)
"""

FAILED: Final = """
UPDATE lineage.outbox SET attempts = attempts + 1, last_error = %(error)s,
       due_at = now() + make_interval(secs => %(wait)s)
WHERE event_id = %(id)s
"""

SET_ASIDE: Final = """
WITH gone AS (DELETE FROM lineage.outbox WHERE event_id = %(id)s RETURNING event_id)
INSERT INTO lineage.refused (event_id, reason) SELECT event_id, %(error)s FROM gone
ON CONFLICT (event_id) DO UPDATE SET reason = excluded.reason, refused_at = now()
"""


class MarquezDown(Exception):
    """Marquez cannot accept any event now."""


class Forwarder:
    """Forwarding loop; several may run concurrently."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        config: Config,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._size = config.outbox
        headers = {"Content-Type": "application/json"}
        if config.marquez_key:
            headers["Authorization"] = f"Bearer {config.marquez_key}"
        self._client = httpx.AsyncClient(
            base_url=config.marquez_url, headers=headers, timeout=10.0, transport=transport
        )
        self._sleep = sleep

    async def run(self) -> None:
        """Forward until cancelled."""
        failures = 0
        try:
            while True:
                try:
                    taken = await self.once()
                    failures = 0
                    if not taken:
                        await self._sleep(IDLE_S)
                except (MarquezDown, DatabaseError, TimeoutError) as error:
                    failures += 1
                    wait = BACKOFF.wait_s(failures)
                    log.warning("could not forward lineage events (%s); retry in %.0f s", error, wait)
                    await self._sleep(wait)
        finally:
            await self._client.aclose()

    async def once(self) -> int:
        """Forward one batch and return the number of due events.

        Raises:
            MarquezDown: Marquez accepts no events; the claimed events stay in the outbox.
        """
        async with self._pool.connection() as connection:
            await connection.execute(FILL, {"size": self._size})
            cursor = await connection.execute(CLAIM, {"batch": BATCH, "lease": LEASE_S})
            claimed: list[tuple[UUID, int, str]] = await cursor.fetchall()
        done: list[UUID] = []
        waiting = [event_id for event_id, _, _ in claimed]
        try:
            for event_id, attempts, payload in claimed:
                if await self._post(event_id, attempts, payload):
                    done.append(event_id)
                waiting.remove(event_id)
        except MarquezDown as error:
            await self._execute(RELEASE, {"ids": waiting, "error": str(error)})
            raise
        finally:
            if done:
                await self._execute(DONE, {"ids": done})
        return len(claimed)

    async def _post(self, event_id: UUID, attempts: int, payload: str) -> bool:
        """Post an event; return True when Marquez accepted it. Raises MarquezDown."""
        try:
            response = await self._client.post("/api/v1/lineage", content=payload.encode())
        except httpx.TransportError as error:
            raise MarquezDown(f"{self._client.base_url}: {error or type(error).__name__}") from error
        if response.status_code in AGAIN:
            raise MarquezDown(f"{self._client.base_url} returned {response.status_code}")
        if response.is_success:
            return True
        reason = f"{response.status_code}: {response.text[:500]}"
        if response.is_server_error and attempts + 1 < MAX_ATTEMPTS:
            wait = BACKOFF.wait_s(attempts + 1)
            await self._execute(FAILED, {"id": event_id, "error": reason, "wait": wait})
        else:
            log.error("Marquez permanently rejected lineage event %s: %s", event_id, reason)
            await self._execute(SET_ASIDE, {"id": event_id, "error": reason})
        return False

    async def _execute(self, query: str, arguments: dict[str, Any]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(query, arguments)
