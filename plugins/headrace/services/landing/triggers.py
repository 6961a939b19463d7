"""Trigger that fires when files wait in the landing bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from headrace.contracts.index import load_index
from headrace.errors import SystemFailure
from headrace.services.landing.hook import LandingHook
from headrace.services.landing.land import Landing
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.waits import seconds

POLL_S: Final = seconds("HEADRACE_LANDING_POLL_S", 10.0)


class FilesTrigger(BaseTrigger):
    """Fires when files wait, with the ids of their datasets. Each poll lists once per dataset.

    An unavailable store does not fire it: the files stay in the bucket.

    Args:
        schemas: index of the applied contracts, read at each poll.
        poll_s: seconds between polls.
    """

    def __init__(self, schemas: str, poll_s: float = POLL_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.schemas = schemas
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"schemas": self.schemas, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: the ids of the datasets with waiting files."""
        names = (LandingHook.default_conn_name, LakeHook.default_conn_name, PlatformHook.default_conn_name)
        store, lake, platform = [await Endpoint.afrom_connection(name) for name in names]
        hooks = LandingHook(store), LakeHook(lake), PlatformHook(platform)

        def waiting() -> list[str]:
            by_files = [c for c in load_index(Path(self.schemas)).values() if c.source.kind == "file"]
            return [contract.id for contract in by_files if Landing(contract, *hooks).due()]

        while True:
            try:
                due = await asyncio.to_thread(waiting)
                if due:
                    yield TriggerEvent({"datasets": due})
                    return
            except SystemFailure as failure:
                self.log.warning("cannot list landing files: %s", failure)
            await asyncio.sleep(self.poll_s)
