"""Triggers that fire when a refinement or the build of a mart is due. For an `AssetWatcher`."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from headrace.contracts import names
from headrace.contracts.index import load_index
from headrace.services.refinement.due import Due, Seen, is_idle
from headrace.services.refinement.inputs import mart_inputs
from headrace.services.refinement.ledger import Ledger
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.waits import seconds

POLL_S: Final = seconds("HEADRACE_RAW_POLL_S", 60.0)
REFINE_EVERY_S: Final = seconds("HEADRACE_REFINE_EVERY_S", 300.0)
BUILD_EVERY_S: Final = seconds("HEADRACE_BUILD_EVERY_S", 1800.0)
FIRST_POLL_S: Final = 3.0
"""Seconds before the first poll, so that all triggers of a start are registered."""

log = logging.getLogger(__name__)


class DueTrigger(BaseEventTrigger):
    """Fires when the input of a dataset has changed since the dataset was computed.

    All triggers of a class in a triggerer share one poll, every `poll_s` seconds: one load of the catalog's metadata per
    table, and one query of the ledger. A poll fires at most one event per dataset, and none while a requested run has
    not finished, so that runs do not queue up. It fires no event before the contract's `refineEvery` has passed since
    the last run, unless the machine is idle.

    Args:
        dataset: id of the dataset.
        schemas: folder of the contracts.
        poll_s: seconds between polls.
    """

    watched: ClassVar[Counter[str]]
    """Datasets of this process's triggers; only these are polled."""

    def __init_subclass__(cls) -> None:
        """Give each class its own datasets."""
        cls.watched = Counter()

    def __init__(self, dataset: str, schemas: str, poll_s: float = POLL_S) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dataset = dataset
        self.schemas = schemas
        self.poll_s = poll_s

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"dataset": self.dataset, "schemas": self.schemas, "poll_s": self.poll_s}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self.arguments()

    def shared_stream_key(self) -> Hashable:
        """Return the key of the poll that all triggers share."""
        shared = self.arguments() | {"dataset": ""}
        return type(self).__qualname__, *(str(value) for _, value in sorted(shared.items()))

    @staticmethod
    @abstractmethod
    def poll(
        kwargs: dict[str, Any], datasets: Sequence[str], lake: LakeHook, platform: PlatformHook
    ) -> dict[str, Seen]:
        """Return the state of these datasets' inputs; no entry while a dataset cannot be computed."""

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, Seen]]:
        """Yield, without end, the state of the inputs of all watched datasets, by dataset.

        An unavailable system does not end the watch: the changes stay in the lake.
        """
        await asyncio.sleep(FIRST_POLL_S)
        while True:
            try:
                lake = LakeHook(await Endpoint.afrom_connection(LakeHook.default_conn_name))
                platform = PlatformHook(await Endpoint.afrom_connection(PlatformHook.default_conn_name))
                yield await asyncio.to_thread(cls.poll, kwargs, sorted(cls.watched), lake, platform)
            except Exception as error:  # a watch must not end because of an error
                log.warning("cannot look for changes in the lake: %s", error)
            await asyncio.sleep(kwargs["poll_s"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[dict[str, Seen]]) -> AsyncIterator[TriggerEvent]:
        """Yield an event, with the state of the input, when a run is due."""
        due, watched = Due(), type(self).watched
        watched[self.dataset] += 1
        try:
            async for found in shared_stream:
                seen = found.get(self.dataset)
                if seen is not None and due.is_due(seen, time.monotonic(), idle=is_idle()):
                    yield TriggerEvent({"dataset": self.dataset, "state": seen.state, "done": seen.done})
        finally:
            watched[self.dataset] -= 1
            watched += Counter()  # drops datasets without a trigger

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events, with a poll of its own."""
        async for event in self.filter_shared_stream(self.open_shared_stream(self.serialize()[1])):
            yield event


class RawLandedTrigger(DueTrigger):
    """Fires when a dataset's raw table holds more changes than were refined."""

    @staticmethod
    def poll(
        kwargs: dict[str, Any], datasets: Sequence[str], lake: LakeHook, platform: PlatformHook
    ) -> dict[str, Seen]:
        """Return the number of changes in raw, now and when all of it was refined last.

        The number is from the summary of the newest snapshot; compaction does not change it.
        """
        contracts = load_index(Path(kwargs["schemas"]))
        known = [dataset for dataset in datasets if dataset in contracts]
        refined = Ledger(platform).refined(known)
        found = {}
        for dataset in known:
            landed = lake.records(names.raw_table(contracts[dataset]))
            if landed is not None:
                last, every_s = refined.get(dataset), contracts[dataset].refine_every_s or REFINE_EVERY_S
                found[dataset] = Seen(landed, last.records, every_s - last.ago_s) if last else Seen(landed, 0)
        return found


class MartInputsTrigger(DueTrigger):
    """Fires when a cleaned table that a mart reads has changed since the mart was built, and none of them is empty.

    Args:
        sql: folder of the marts' SQL.
    """

    def __init__(self, dataset: str, schemas: str, sql: str, poll_s: float = POLL_S) -> None:
        super().__init__(dataset, schemas, poll_s)
        self.sql = sql

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().arguments(), "sql": self.sql}

    @staticmethod
    def poll(
        kwargs: dict[str, Any], datasets: Sequence[str], lake: LakeHook, platform: PlatformHook
    ) -> dict[str, Seen]:
        """Return the contents of the marts' inputs, now and at the last build; no entry for a mart with an empty input."""
        contracts, sql = load_index(Path(kwargs["schemas"])), Path(kwargs["sql"])
        inputs = {
            dataset: [names.lake_table(c, "cleaned") for c in mart_inputs(contracts[dataset], sql, contracts.values())]
            for dataset in datasets
            if dataset in contracts
        }
        now = {
            table: lake.content(table) for table in sorted({table for tables in inputs.values() for table in tables})
        }
        built = Ledger(platform).built(inputs)
        found = {}
        for dataset, tables in inputs.items():
            if tables and all(now[table] for table in tables):
                last, every_s = built.get(dataset), contracts[dataset].refine_every_s or BUILD_EVERY_S
                state = {table: now[table] for table in tables}
                found[dataset] = Seen(state, last.inputs, every_s - last.ago_s) if last else Seen(state, None)
        return found
