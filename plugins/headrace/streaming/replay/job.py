"""Job that replays selected dead letters: `main(METRICS, ["selection.json", "result.json"])`.

The endpoints come from the environment (`HEADRACE_LETTERS`), so that no command line has a secret. The result is
written even if some dead letters could not be written; exit code 0 means that it was written.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.errors import SystemRefused
from headrace.planning.streams import stream_plans
from headrace.planning.topics import captured, landed
from headrace.services.dead_letters.ledger import DeadLetterLedger
from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.replay import Destination, Replay
from headrace.services.dead_letters.selection import Selection
from headrace.streaming.datasets import served, served_datasets
from headrace.streaming.metrics.spec import Metrics
from headrace.streaming.patience import Patience
from headrace.streaming.registry import Writers
from headrace.streaming.replay.raw import Raw
from headrace.streaming.replay.warehouse import of_query
from headrace.streaming.sink import Sink
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import HttpClient
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.hook import PlatformHook

PATIENCE_S: Final = 120.0
FROM_A_SOURCE: Final = (
    "the change was never a record, so there is nothing to replay. Correct the row in the source database, "
    "or trigger reread_tables for its dataset; then discard the dead letter"
)

log = logging.getLogger(__name__)


class Places:
    """Destinations of dead letters."""

    def __init__(self, endpoints: Mapping[str, Endpoint], schemas: Path, metrics: Sequence[Metrics]) -> None:
        registry, clickhouse = endpoints["registry"], endpoints["warehouse"]
        self.lake = LakeHook(endpoints["lake"])
        self._schemas = schemas
        self._metrics = metrics
        self._contracts: Mapping[str, Contract] = load_index(schemas)
        self._writers = Writers(
            HttpClient(
                "registry",
                registry,
                path=str(registry.extra.get("path", "")),
                next_step="Replay again when it answers.",
            )
        )
        self._sink = Sink(clickhouse)
        self._patience = Patience(PATIENCE_S, lambda why: log.warning("waiting: %s", why) if why else None)
        self.destination = cache(self._destination)

    def _destination(self, refused_by: str, topic: str) -> Destination:
        """Return the destination for a refuser and a topic.

        Raises SystemRefused if the contracts have none any more.
        """
        if refused_by in {names.source_connector(c.source.connection) for c in captured(self._contracts.values())}:
            raise SystemRefused("letters", refused_by, FROM_A_SOURCE)
        group, _, query = refused_by.partition("/")
        found = self._query(group, query, topic) if query else self._raw(refused_by, topic)
        if found is None:
            raise SystemRefused("letters", refused_by, f"no contract writes records of {topic} through it")
        return found

    def _query(self, group: str, query: str, topic: str) -> Destination | None:
        if group not in stream_plans(self._contracts.values()):
            return None
        datasets = served_datasets(self._schemas, group)
        if topic not in {dataset.topic for dataset in datasets}:
            return None
        return of_query(query, datasets, self._metrics, self._writers, self._sink, self._patience)

    def _raw(self, sink: str, topic: str) -> Destination | None:
        mine = (c for c in landed(self._contracts.values()) if names.sink_connector(c.domain) == sink)
        contract = next((c for c in mine if names.topic(c) == topic), None)
        if contract is None:
            return None
        return Raw(served(contract), names.raw_table(contract), self.lake, self._writers, self._patience)


def main(metrics: Sequence[Metrics], arguments: Sequence[str]) -> int:
    """Replay the selected dead letters; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    request: dict[str, Any] = json.loads(Path(arguments[0]).read_text())
    endpoints = {name: Endpoint(**place) for name, place in json.loads(os.environ["HEADRACE_LETTERS"]).items()}
    places = Places(endpoints, Path(request["schemas"]), metrics)
    ledger = DeadLetterLedger(PlatformHook(endpoints["platform"]))
    outcome = Replay(ledger, Quarantine(places.lake), places.destination).run(
        Selection.from_params(request["selection"])
    )
    result = {**dataclasses.asdict(outcome), "topics": sorted(outcome.topics)}
    Path(arguments[1]).write_text(json.dumps(result))
    return 0
