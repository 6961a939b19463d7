"""Trigger that measures freshness while its task waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from headrace.errors import HeadraceError
from headrace.services.status.freshness import FreshnessWatch
from headrace.systems.waits import seconds

POLL_S: Final = seconds("HEADRACE_FRESHNESS_POLL_S", 15.0)


class FreshnessTrigger(BaseTrigger):
    """Measures every hop periodically, and raises and resolves `late:<dataset>` itself, without a worker.

    Fires only after polls have failed for long, so that the task fails with the cause.
    """

    def __init__(self, schemas: str, poll_s: float = POLL_S, most_failures: int = 20) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.schemas = schemas
        self.poll_s = poll_s
        self.most_failures = most_failures

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"schemas": self.schemas, "poll_s": self.poll_s, "most_failures": self.most_failures}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, with the failure of the last poll."""
        watch, failures = None, 0
        while True:
            try:
                watch = watch or await FreshnessWatch.afrom_connections(self.schemas, self.log.info)
                await asyncio.to_thread(watch.poll)
                failures = 0
            except Exception as failure:  # a watch must not end because of an error
                failures += 1
                known = isinstance(failure, HeadraceError)
                self.log.warning("cannot measure freshness: %s", failure, exc_info=None if known else failure)
                if failures >= self.most_failures:
                    yield TriggerEvent({"failure": str(failure) or type(failure).__name__})
                    return
            await asyncio.sleep(self.poll_s)
