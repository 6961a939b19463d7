"""Re-create the tables that a stream fills from the raw zone, while the stream continues."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import last_value
from headrace.systems.lake import rows
from headrace.systems.lake.hook import LakeHook
from headrace.systems.platform.locks import Check, unchecked
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.rebuilding import Rebuilt, clock_us, rebuild

if TYPE_CHECKING:
    from pyiceberg.table import Table

COPY_S: Final = 900.0
"""Timeout, in seconds, of ClickHouse's copy of one table's rows into another."""


@dataclass(frozen=True, slots=True)
class FromRaw:
    """Copies raw from the lake into the warehouse."""

    kafka: KafkaHook
    lake: LakeHook
    warehouse: WarehouseHook
    patience_s: float = 120.0
    """Seconds to wait until raw has caught up with Kafka; the sink commits every few seconds."""
    poll_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def from_connections(cls) -> FromRaw:
        """Return the clients of Airflow's connections."""
        warehouse = WarehouseHook(Endpoint.from_connection(WarehouseHook.default_conn_name), timeout_s=COPY_S)
        return cls(KafkaHook.from_connection(), LakeHook.from_connection(), warehouse)

    def serve(self, contract: Contract, warn: Callable[[str], None], check: Check = unchecked) -> Rebuilt:
        """Re-create the dataset's tables. `check` verifies, before each write, that the lock is still held.

        Rows that the stream had served and that raw does not have yet may be among the lost ones. So raw must first
        catch up with Kafka's current end. A last record that the sink refused never lands; therefore this continues
        after `patience_s`, with a warning.

        Raises SystemUnavailable, SystemRefused.
        """
        raw = self.lake.need(names.raw_table(contract))
        if missing := self._missing(raw, contract):
            places = ", ".join(f"{partition}/{offset}" for partition, offset in missing.items())
            warn(
                f"{contract.id}: {names.raw_table(contract)} does not hold {names.topic(contract)} {places} after"
                f" {self.patience_s:.0f} s: if one of them was lost here, run this again after it has landed"
            )
        since = clock_us(self.warehouse)  # before raw is read
        self.lake.call(raw.refresh)
        snapshot = self.lake.call(lambda: rows.current(raw))
        columns = [field.name for field in raw.schema().fields if field.name != "_topic"]
        parts = rows.parts(raw, snapshot, columns) if snapshot else ()
        done = rebuild(self.warehouse, names.stream_tables(contract), parts, since, check)
        if done.left_out:
            warn(f"{contract.id}: {done.left_out:,} changes of raw lack a required value and are left out")
        return done

    def _missing(self, raw: Table, contract: Contract) -> Mapping[int, int]:
        """Return, by partition, the newest record that raw does not have when the wait ends."""

        def still(places: Mapping[int, int]) -> dict[int, int]:
            self.lake.call(raw.refresh)
            return self.lake.call(lambda: rows.not_in(raw, places))

        topic, deadline = names.topic(contract), time.monotonic() + self.patience_s
        newest = {p: last_value(self.kafka, topic, p, 0, end) for p, end in self.kafka.end_offsets(topic).items()}
        missing = still({partition: offset for partition, offset in newest.items() if offset >= 0})
        while missing and time.monotonic() < deadline:
            self.sleep(self.poll_s)
            missing = still(missing)
        return missing
