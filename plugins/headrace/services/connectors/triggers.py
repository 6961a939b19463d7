"""Trigger that fires when a connector or a replication slot needs attention, or has recovered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from headrace.errors import SystemFailure
from headrace.services.connectors.watch import (
    Event,
    SlotLimits,
    failed,
    missing,
    recovered,
    slot_event,
    snapshot_done,
)
from headrace.systems.connect.status import ConnectorStatus, parse_status
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import basic_auth
from headrace.systems.oltp.hook import OltpHook

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Watch:
    """Connectors and slots to watch, and the poll interval; times in seconds. JSON-able by `asdict`."""

    connectors: Sequence[str]
    connect_conn_id: str = "kafka_connect_default"
    slots: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Slot name → Airflow connection of its database."""
    poll_s: float = 5.0
    behind_bytes: int = SlotLimits().behind_bytes
    unreachable_s: float = 60.0
    """Seconds without an answer of Kafka Connect before an event is fired."""
    calm_s: float = 60.0
    """Seconds that a connector must run after a failure to count as recovered."""
    first_look_s: float = 0.0
    """Seconds to wait before the first poll: a restart takes time."""
    troubled: Sequence[str] = ()
    """Connectors that were restarted and have not recovered yet."""
    behind: Sequence[str] = ()
    """Slots that were reported as behind."""
    snapshots: Sequence[str] = ()
    """Source connectors whose fresh snapshot is awaited."""
    held_out: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    """Sink connector → topics that it excludes; an event is fired when it includes one again."""
    unreached: bool = False
    """Whether Kafka Connect was reported as not answering, so that an answer is an event."""
    until: float | None = None
    """End of the watch, as `time.time()`; None for an endless watch."""


class ConnectorsTrigger(BaseTrigger):
    """Fires one event (see `connectors.watch`) and ends; the task handles it and watches again."""

    def __init__(self, **watch: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = Watch(**watch)
        self._databases: dict[str, OltpHook] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", asdict(self.watch)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is an event, and yield it."""
        import httpx

        await asyncio.sleep(self.watch.first_look_s)
        endpoint = await Endpoint.afrom_connection(self.watch.connect_conn_id)
        auth = basic_auth(endpoint)
        async with httpx.AsyncClient(base_url=endpoint.url, auth=auth, timeout=15.0) as client:
            yield TriggerEvent(await self._wait(client))

    async def _wait(self, client: httpx.AsyncClient) -> Event:
        silent_since: float | None = None
        well_since: dict[str, float] = {}
        while True:
            try:
                event = await self._poll(client, well_since)
                silent_since = None
            except Exception as error:  # a watch must not end because of an error
                event = None
                silent_since = silent_since or time.time()
                if time.time() - silent_since >= self.watch.unreachable_s:
                    event = _unreachable(client, silent_since, error)
            if event is None and self.watch.until and time.time() >= self.watch.until:
                event = {"event": "over", "message": "all is well"}
            if event is not None:
                return event
            await asyncio.sleep(self.watch.poll_s)

    async def _poll(self, client: httpx.AsyncClient, well_since: dict[str, float]) -> Event | None:
        statuses = await _statuses(client, self.watch.connectors)
        if self.watch.unreached:
            return {"event": "reachable", "message": f"connect at {client.base_url} answers again"}
        event = failed(statuses) or missing(self.watch.connectors, statuses)
        if event:
            return event
        now = time.monotonic()
        for status in statuses:
            if status.settled("RUNNING"):
                well_since.setdefault(status.name, now)
            else:
                well_since.pop(status.name, None)
        calm = {name for name, since in well_since.items() if now - since >= self.watch.calm_s}
        event = recovered(calm & set(self.watch.troubled), statuses)
        return event or await self._slots() or await self._snapshots(client) or await self._let_in(client)

    async def _slots(self) -> Event | None:
        limits = SlotLimits(self.watch.behind_bytes)
        for name, conn_id in self.watch.slots.items():
            if name not in self._databases:
                self._databases[name] = OltpHook(await Endpoint.afrom_connection(conn_id))
            try:
                slot = await asyncio.to_thread(self._databases[name].slot, name)
            except SystemFailure:  # the connector's own failure reports it, with the cause
                continue
            event = slot_event(name, slot, limits, known=name in self.watch.behind)
            if event:
                return event
        return None

    async def _snapshots(self, client: httpx.AsyncClient) -> Event | None:
        for name in self.watch.snapshots:
            response = await client.get(f"/connectors/{name}/offsets")
            if response.is_success and snapshot_done(response.json()["offsets"]):
                message = f"the fresh snapshot of {name} is complete"
                return {"event": "snapshot-done", "connectors": [name], "message": message}
        return None

    async def _let_in(self, client: httpx.AsyncClient) -> Event | None:
        for name, topics in self.watch.held_out.items():
            response = await client.get(f"/connectors/{name}/config")
            there = sorted(set(topics) & set(response.json()["topics"].split(","))) if response.is_success else []
            if there:
                message = f"{name} lands {', '.join(there)} again"
                return {"event": "let-in", "connectors": [name], "topics": there, "message": message}
        return None


async def _statuses(client: httpx.AsyncClient, names: Sequence[str]) -> tuple[ConnectorStatus, ...]:
    response = await client.get("/connectors", params={"expand": "status"})
    response.raise_for_status()
    found = response.json()
    return tuple(parse_status(found[name]["status"]) for name in sorted(names) if name in found)


def _unreachable(client: httpx.AsyncClient, since: float, error: Exception) -> Event:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(since))
    cause = str(error) or type(error).__name__
    message = (
        f"connect at {client.base_url} has not answered since {stamp}: {cause}. Topics and slots "
        "keep what is due; the watch continues and reports when it answers again."
    )
    return {"event": "unreachable", "message": message}
