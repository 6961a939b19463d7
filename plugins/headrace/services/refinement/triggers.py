"""Trigger that fires when new changes have landed in the raw zone."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from headrace.contracts import names
from headrace.contracts.index import load_index
from headrace.services.refinement.ledger import Ledger
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.waits import seconds

POLL_S: Final = seconds("HEADRACE_RAW_POLL_S", 60.0)
EVERY_S: Final = seconds("HEADRACE_REFINE_EVERY_S", 300.0)
AGAIN_S: Final = 900.0
IDLE_LOAD: Final = 0.25
"""Load average per core, over a minute, below which a machine is idle."""
FIRST_LOOK_S: Final = 3.0
"""Seconds before the first poll, so that all triggers of a start are registered."""

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """Observed state of a dataset's raw table."""

    landed: int
    """Number of changes in it, from its newest snapshot's summary; compaction does not change the number."""
    refined: int
    """Number of changes in it when all of it was refined last."""
    rests_s: float = 0.0
    """Seconds until the next refinement is due; before that, one starts only on an idle machine."""


@dataclass(slots=True)
class Teller:
    """Decides when to fire an event for unrefined changes: once, until a refinement has run."""

    again_s: float = AGAIN_S
    """Seconds after which the event is fired again if no refinement ran: it failed, or was lost."""
    refined: int | None = None
    told_at: float = 0.0

    def tells(self, seen: Seen, now: float, *, idle: bool = False) -> bool:
        """Return whether to fire; `now` is in seconds of a monotonic clock."""
        if seen.landed == seen.refined:
            self.refined = None
            return False
        if self.refined == seen.refined and now - self.told_at < self.again_s:
            return False
        if seen.rests_s > 0 and not idle:
            return False
        self.refined, self.told_at = seen.refined, now
        return True


class RawLandedTrigger(BaseEventTrigger):
    """Fires when a dataset's raw table holds more changes than were refined. For an `AssetWatcher`.

    All triggers of a triggerer share one poll, every `poll_s` seconds: one load of the catalog's metadata per watched
    dataset, and one query of the ledger. A poll fires at most one event per dataset, and none while a requested
    refinement has not finished, so that runs do not queue up. It fires no event before the contract's `refineEvery` has
    passed since the last refinement, unless the machine is idle.

    Args:
        dataset: id of the dataset.
        schemas: folder of the contracts.
        poll_s: seconds between polls.
    """

    watched: ClassVar[Counter[str]] = Counter()
    """Datasets of this process's triggers; only these are polled."""

    def __init__(self, dataset: str, schemas: str, poll_s: float = POLL_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dataset = dataset
        self.schemas = schemas
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"dataset": self.dataset, "schemas": self.schemas, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    def shared_stream_key(self) -> Hashable:
        """Return the key of the poll that all triggers share."""
        return "raw-landed", self.schemas, str(self.poll_s)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, Seen]]:
        """Yield, without end, the state of the raw tables of all watched datasets, by dataset.

        An unavailable system does not end the watch: the landed changes stay in raw.
        """
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            try:
                lake = LakeHook(await Endpoint.afrom_connection(LakeHook.default_conn_name))
                platform = PlatformHook(await Endpoint.afrom_connection(PlatformHook.default_conn_name))
                yield await asyncio.to_thread(look, Path(kwargs["schemas"]), sorted(cls.watched), lake, platform)
            except Exception as error:  # a watch must not end because of an error
                log.warning("cannot read the raw zone: %s", error)
            await asyncio.sleep(kwargs["poll_s"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[dict[str, Seen]]) -> AsyncIterator[TriggerEvent]:
        """Yield an event, with the number of changes, when a refinement is due."""
        teller = Teller()
        type(self).watched[self.dataset] += 1
        try:
            async for found in shared_stream:
                seen = found.get(self.dataset)
                if seen is not None and teller.tells(seen, time.monotonic(), idle=is_idle()):
                    yield TriggerEvent({"dataset": self.dataset, "landed": seen.landed, "refined": seen.refined})
        finally:
            type(self).watched[self.dataset] -= 1
            type(self).watched += Counter()  # drops datasets without a trigger

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events, with a poll of its own."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event


def look(schemas: Path, datasets: Iterable[str], lake: LakeHook, platform: PlatformHook) -> dict[str, Seen]:
    """Return the state of these datasets' raw tables; no entry without a raw table or a contract."""
    contracts = load_index(schemas)
    known = [dataset for dataset in datasets if dataset in contracts]
    refined = Ledger(platform).refined(known)
    found = {}
    for dataset in known:
        landed = lake.records(names.raw_table(contracts[dataset]))
        if landed is not None:
            last, every_s = refined.get(dataset), contracts[dataset].refine_every_s or EVERY_S
            found[dataset] = Seen(landed, last.records, every_s - last.ago_s) if last else Seen(landed, 0)
    return found


def is_idle() -> bool:
    """Return whether this machine is idle enough for batch work now."""
    return os.getloadavg()[0] < IDLE_LOAD * (os.cpu_count() or 1)
