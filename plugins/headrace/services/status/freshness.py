"""Watch freshness: measure how long changes wait at each hop, and raise alerts for missed SLAs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.errors import SystemFailure
from headrace.planning.topics import captured
from headrace.services.connectors.reconcile import sources_of
from headrace.services.status.late import SourceMemory, Steady, Waiting, judge
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.oldest import oldest_commit_ms
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.registry.hook import RegistryHook
from headrace.systems.spark.store import StreamStore
from headrace.systems.waits import seconds
from headrace.systems.warehouse.hook import WarehouseHook

WINDOW_S: Final = round(seconds("HEADRACE_FRESHNESS_WINDOW_S", 60.0))
"""Seconds of the window of served changes that are measured."""
PULSE_S: Final = 10.0
"""Age in seconds above which a heartbeat is not used."""
PREFIX: Final = "late:"


@dataclass(slots=True)
class FreshnessWatch:
    """Watches all datasets with a freshness SLA; keeps state between polls."""

    platform: PlatformHook
    warehouse: WarehouseHook
    kafka: KafkaHook
    registry: RegistryHook
    sources: Mapping[str, OltpHook]
    schemas: str
    log: Callable[[str], None]
    _memory: dict[str, SourceMemory] = field(default_factory=dict)
    _steady: dict[str, Steady] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)

    @classmethod
    async def afrom_connections(cls, schemas: str, log: Callable[[str], None]) -> FreshnessWatch:
        """Return a watch of Airflow's connections, within a trigger."""
        read = Endpoint.afrom_connection
        return cls(
            PlatformHook(await read(PlatformHook.default_conn_name)),
            WarehouseHook(await read(WarehouseHook.default_conn_name), timeout_s=30.0),
            KafkaHook(await read(KafkaHook.default_conn_name)),
            RegistryHook(await read(RegistryHook.default_conn_name)),
            {name: OltpHook(await read(names.airflow_connection(name))) for name in sources_of(promising(schemas))},
            schemas,
            log,
        )

    def poll(self) -> dict[str, Waiting]:
        """Measure every hop once, raise and resolve alerts; return, by dataset, how long its changes wait.

        Raises:
            SystemFailure: the platform's own database does not answer. Other unavailable systems are not measured.
        """
        contracts = promising(self.schemas)
        failures: list[str] = []
        at_source = self._source(contracts, failures)
        unread = self._unread(contracts)
        found = {c.id: self._waiting(c, at_source, unread, failures) for c in contracts}
        for line in sorted(set(failures) - self._logged):
            self.log(f"not measured: {line}")
        self._logged = set(failures)
        self._raise_alerts(contracts, found)
        return found

    def _waiting(
        self, contract: Contract, at_source: Mapping[str, float], unread: frozenset[str], failures: list[str]
    ) -> Waiting:
        served_s = kafka_s = None
        try:
            changes = names.changes_table(contract)
            if self.warehouse.existing([changes]):
                recent = self.warehouse.freshness(changes, WINDOW_S, captured=contract.captured)
                served_s = recent.p95 if recent else None
                kafka_s = self._in_kafka(contract, changes) if contract.stream_group in unread else None
        except SystemFailure as failure:
            failures.append(str(failure))
        return Waiting(at_source.get(contract.id), kafka_s, served_s)

    def _source(self, contracts: Iterable[Contract], failures: list[str]) -> dict[str, float]:
        """Return, by dataset, the seconds that its writes wait in the source's log."""
        waiting: dict[str, float] = {}
        for connection, oltp in self.sources.items():
            tables = {c.source.table or "": c.id for c in captured(contracts) if c.source.connection == connection}
            try:
                progress = oltp.progress(names.replication_slot(connection), tables)
            except SystemFailure as failure:
                failures.append(str(failure))
                continue
            if progress is not None:
                memory = self._memory.setdefault(connection, SourceMemory())
                found = memory.observe(time.monotonic(), progress.written, progress.confirmed, progress.writes)
                waiting |= {tables[table]: seconds for table, seconds in found.items() if table in tables}
        return waiting

    def _unread(self, contracts: Iterable[Contract]) -> frozenset[str]:
        """Return the stream groups without a recent heartbeat that reports a lag of zero."""
        store = StreamStore(self.platform)
        groups = {contract.stream_group for contract in contracts}
        return frozenset(
            group
            for group in groups
            if not any(p.query == "cdc" and p.age_s < PULSE_S and p.lag == 0 for p in store.pulses(group))
        )

    def _in_kafka(self, contract: Contract, changes: str) -> float | None:
        served = self.warehouse.served_offsets(changes)
        oldest = oldest_commit_ms(self.kafka, names.topic(contract), served, self.registry.schema)
        return None if oldest is None else max(time.time() - oldest / 1000.0, 0.0)

    def _raise_alerts(self, contracts: Iterable[Contract], found: Mapping[str, Waiting]) -> None:
        open_ = {alert.key for alert in self.platform.open_alerts()}
        still = set[str]()
        for contract in contracts:
            key = PREFIX + contract.id
            late = judge(contract.id, contract.freshness_s or 0.0, found[contract.id])
            steady = self._steady.setdefault(contract.id, Steady(late=key in open_))
            if steady.update(late is not None):
                if late:
                    self.platform.raise_alert(key, late.severity, late.text, contract.id)
                    self.log(late.text)
                still.add(key)
        for key in self.platform.resolve_others(PREFIX, still):  # the SLA is met again, or no longer exists
            self.log(f"{key.removeprefix(PREFIX)} is in time")


def promising(schemas: str) -> tuple[Contract, ...]:
    """Return the contracts with a freshness SLA whose data streams into the warehouse."""
    contracts = [c for c in load_index(Path(schemas)).values() if c.streamed]
    return tuple(c for c in contracts if c.freshness_s is not None and c.serving == "clickhouse")
