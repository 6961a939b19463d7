"""What a DAG may wait for: that something lands in the raw zone."""

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
EVERY_S: Final = 300.0
AGAIN_S: Final = 900.0
IDLE_LOAD: Final = 0.25
"""Processes that run or want to, per core and over a minute, below which a machine is idle."""
FIRST_LOOK_S: Final = 3.0
"""By then the triggers of one start have come together."""

log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """How a dataset's raw table was found."""

    landed: int
    """Changes in it, by its newest snapshot's account; compaction leaves that as it is."""
    refined: int
    """Changes that were in it when all of it was refined last."""
    rests_s: float = 0.0
    """Seconds until the next refinement is due; until then one begins on an idle machine only."""


@dataclass(slots=True)
class Teller:
    """Says when to tell that more has landed than is refined: once, until a refinement answers."""

    again_s: float = AGAIN_S
    """Told again after this, if no refinement came: it failed, or was lost."""
    refined: int | None = None
    told_at: float = 0.0

    def tells(self, seen: Seen, now: float, *, idle: bool = False) -> bool:
        """Whether to tell; `now` is in seconds of any clock that only goes on."""
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

    All triggers of a triggerer share one look, each `poll_s` seconds: one load of the catalog's metadata for each dataset that
    is watched, and one query of the ledger. So there is at most one event a look for each dataset; and none while a
    refinement that was asked for has not come to its end, so that runs do not queue up. Nor is there one sooner after the last
    refinement than the contract's `refineEvery`, unless the machine is idle.

    Args:
        dataset: its id.
        schemas: folder of the contracts.
        poll_s: seconds between looks.
    """

    watched: ClassVar[Counter[str]] = Counter()
    """The datasets of this process's triggers: only these are looked at."""

    def __init__(self, dataset: str, schemas: str, poll_s: float = POLL_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dataset = dataset
        self.schemas = schemas
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, as Airflow stores them."""
        arguments = {"dataset": self.dataset, "schemas": self.schemas, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    def shared_stream_key(self) -> Hashable:
        """One look for all."""
        return "raw-landed", self.schemas, str(self.poll_s)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, Seen]]:
        """Without end: how the raw tables of all watched datasets are found, by dataset.

        A system that cannot be asked is no reason to end the watch: what has landed stays there.
        """
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            try:
                lake = LakeHook(await Endpoint.afrom_connection(LakeHook.default_conn_name))
                platform = PlatformHook(await Endpoint.afrom_connection(PlatformHook.default_conn_name))
                yield await asyncio.to_thread(look, Path(kwargs["schemas"]), sorted(cls.watched), lake, platform)
            except Exception as error:  # whatever it is, a watch that ends watches nothing
                log.warning("cannot look at the raw zone: %s", error)
            await asyncio.sleep(kwargs["poll_s"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[dict[str, Seen]]) -> AsyncIterator[TriggerEvent]:
        """An event with how many changes wait."""
        teller = Teller()
        type(self).watched[self.dataset] += 1
        try:
            async for found in shared_stream:
                seen = found.get(self.dataset)
                if seen is not None and teller.tells(seen, time.monotonic(), idle=is_idle()):
                    yield TriggerEvent({"dataset": self.dataset, "landed": seen.landed, "refined": seen.refined})
        finally:
            type(self).watched[self.dataset] -= 1
            type(self).watched += Counter()  # drops what nobody watches any more

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The same, without others to share with."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event


def look(schemas: Path, datasets: Iterable[str], lake: LakeHook, platform: PlatformHook) -> dict[str, Seen]:
    """How the raw tables of these datasets are found; one that has none, or no contract any more, is left out."""
    contracts, longest = load_index(schemas), seconds("HEADRACE_REFINE_EVERY_S", EVERY_S)
    known = [dataset for dataset in datasets if dataset in contracts]
    refined = Ledger(platform).refined(known)
    found = {}
    for dataset in known:
        landed = lake.records(names.raw_table(contracts[dataset]))
        if landed is not None:
            last, every_s = refined.get(dataset), contracts[dataset].refine_every_s or longest
            found[dataset] = Seen(landed, last.records, every_s - last.ago_s) if last else Seen(landed, 0)
    return found


def is_idle() -> bool:
    """Return whether batch work would disturb nobody on this machine now."""
    return os.getloadavg()[0] < IDLE_LOAD * (os.cpu_count() or 1)
