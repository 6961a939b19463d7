"""Trigger that fires when a stream group needs its operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from headrace.errors import SystemFailure
from headrace.services.streams.reconcile import Reconciler

GRACE_S: Final = 300.0
"""Seconds that a driver may take until its first heartbeat: a start beside a snapshot on two cores takes a minute."""


class StreamNeedsCareTrigger(BaseTrigger):
    """Fires when the driver is dead or stalled, a query is down, or the contracts need another plan.

    An unavailable system does not fire it: the stream continues without Airflow.
    """

    def __init__(
        self, group: str, schemas: str, poll_s: float = 2.0, grace_s: float = GRACE_S, stall_s: float = 45.0,
        settle_s: float = 120.0,
    ) -> None:  # fmt: skip
        super().__init__()  # type: ignore[no-untyped-call]
        self.group = group
        self.schemas = schemas
        self.poll_s = poll_s
        self.grace_s = grace_s
        self.stall_s = stall_s
        self.settle_s = settle_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {
            "group": self.group, "schemas": self.schemas, "poll_s": self.poll_s, "grace_s": self.grace_s,
            "stall_s": self.stall_s, "settle_s": self.settle_s,
        }  # fmt: skip
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, with the reason and a sentence."""
        reconciler = await Reconciler.afrom_connections(self.group, self.schemas)
        settled = False
        while True:
            try:
                verdict, running_s = await asyncio.to_thread(reconciler.check, self.grace_s, self.stall_s)
                if verdict is not None:
                    yield TriggerEvent({"reason": verdict.reason, "text": verdict.text, "running_s": running_s})
                    return
                if not settled and running_s > self.settle_s:
                    await asyncio.to_thread(reconciler.settle)
                    settled = True
            except SystemFailure as failure:
                self.log.warning("cannot check the stream: %s", failure)
            await asyncio.sleep(self.poll_s)
