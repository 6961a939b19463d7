"""Trigger that fires when notifications are due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from headrace.errors import HeadraceError
from headrace.services.notifications.routes import CONNECTION
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook

READ_AGAIN_S: Final = 30.0
"""Seconds after which a change of the connection, or of a contract, is read."""


class AlertsDueTrigger(BaseTrigger):
    """Fires when a notification is due; waits a little first, so that alerts that open together go into one message.

    It continues after any error: otherwise no alert would be sent.
    """

    def __init__(self, schemas: str, poll_s: float = 3.0, gather_s: float = 3.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.schemas = schemas
        self.poll_s = poll_s
        self.gather_s = gather_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"schemas": self.schemas, "poll_s": self.poll_s, "gather_s": self.gather_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when a notification is due."""
        from headrace.services.notifications.sender import Sender

        sender, read_at, logged = None, 0.0, ""
        while True:
            try:
                if sender is None or time.monotonic() - read_at > READ_AGAIN_S:
                    platform = PlatformHook(await Endpoint.afrom_connection(PlatformHook.default_conn_name))
                    sender = await asyncio.to_thread(Sender.of, await aextra_of(), platform, self.schemas)
                    read_at = time.monotonic()
                if await asyncio.to_thread(sender.is_due):
                    await asyncio.sleep(self.gather_s)
                    yield TriggerEvent({"event": "due"})
                    return
                logged = ""
            except HeadraceError as failure:
                if str(failure) != logged:
                    self.log.warning("cannot read alerts: %s", failure)
                logged = str(failure)
            await asyncio.sleep(self.poll_s)


def extra_of() -> Mapping[str, Any]:
    """Return the extra of `alerts_default`, within a task; empty when there is no such connection."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Endpoint.from_connection(CONNECTION).extra
    except AirflowNotFoundException:
        return {}


async def aextra_of() -> Mapping[str, Any]:
    """Return the extra of `alerts_default`, within a trigger; empty when there is no such connection."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return (await Endpoint.afrom_connection(CONNECTION)).extra
    except AirflowNotFoundException:
        return {}
