"""Recover a lost replication slot by a fresh snapshot, without a gap.

Changes between the loss and the snapshot were never captured. The snapshot has the rows that exist now, but not the
deletes of the meantime. Those rows are found by a comparison of the warehouse with the snapshot, and deleted by delete
events that Headrace writes, so that every sink handles them as usual.

1. `start_over`: stop the connector, delete its offsets, drop the slot, resume. Debezium creates a new slot and takes a
   snapshot. Its records begin at the topics' end offsets of the moment in between.
2. `reconcile`, when the snapshot is complete: with the connector paused, so that nothing interferes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure, SystemUnavailable
from headrace.services.connectors.missed_deletes import Progress, await_stream, delete_missed
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.kafka.counter import Schemas
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.warehouse.hook import WarehouseHook

PAUSED_S: Final = 120.0
"""Seconds that a connector stays paused while its stream serves the last changes."""
RESTART_S: Final = 10.0
"""Seconds that tasks have to pause before they are restarted."""


@dataclass(frozen=True, slots=True)
class FreshStart:
    """Source connector that was restarted with a fresh snapshot. JSON-able."""

    connection: str
    starts: Mapping[str, Mapping[int, int]] = field(hash=False)
    """Topic → partition → the first offset that a record of the fresh snapshot can have."""

    @property
    def connector(self) -> str:
        """Return the connector's name."""
        return names.source_connector(self.connection)

    def to_json(self) -> dict[str, Any]:
        """Return this as a JSON object."""
        starts = {t: {str(p): o for p, o in found.items()} for t, found in self.starts.items()}
        return {"connection": self.connection, "starts": starts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FreshStart:
        """Return the object of `to_json`'s result."""
        starts = {t: {int(p): o for p, o in found.items()} for t, found in value["starts"].items()}
        return cls(value["connection"], starts)


def start_over(
    connect: ConnectHook,
    kafka: KafkaHook,
    oltp: OltpHook,
    connection: str,
    contracts: Iterable[Contract],
    remember: Callable[[FreshStart], None],
    log: Callable[[str], None],
) -> FreshStart:
    """Restart the source connector of the connection with a fresh snapshot. May be repeated.

    `remember` is called before anything is deleted, so that a recovery can resume after a crash.

    Raises:
        SystemFailure: a step failed; run it again.
    """
    connector, slot = names.source_connector(connection), names.replication_slot(connection)
    connect.stop(connector)
    connect.wait(connector, "STOPPED")
    topics = sorted(names.topic(contract) for contract in of_connection(contracts, connection))
    fresh = FreshStart(connection, {topic: kafka.end_offsets(topic) for topic in topics})
    remember(fresh)
    connect.delete_offsets(connector)
    log(f"{connector}: stopped, stored positions deleted")
    dropped = oltp.drop_slot(slot)
    log(f"slot {slot}: {'dropped' if dropped else 'did not exist'}")
    connect.resume(connector)
    try:
        connect.wait(connector, "RUNNING")
    except SystemFailure as error:  # the watch restarts it; the recovery continues with its snapshot
        log(f"{connector}: does not run yet: {error}")
    else:
        log(f"{connector}: runs, takes a fresh snapshot of {len(topics)} tables")
    return fresh


def reconcile(
    connect: ConnectHook,
    kafka: KafkaHook,
    schemas: Schemas,
    warehouse: WarehouseHook,
    contracts: Iterable[Contract],
    fresh: FreshStart,
    log: Callable[[str], None],
    progress: Progress | None = None,
) -> int:
    """Delete rows that vanished from the source unseen; return how many. Call it after the snapshot.

    It waits for the streams first, pauses the connector for the comparison, and resumes it in any case.

    Raises:
        SystemUnavailable: a stream did not catch up in time; call it again.
    """
    mine = [
        (contract, fresh.starts[names.topic(contract)])
        for contract in of_connection(contracts, fresh.connection)
        if names.topic(contract) in fresh.starts  # otherwise the contract is newer than the fresh start
    ]
    for contract, starts in mine:
        await_stream(kafka, warehouse, contract, starts, progress or Progress())
    deleted = 0
    try:
        pause(connect, fresh.connector)
        for contract, starts in mine:
            found = delete_missed(kafka, schemas, warehouse, contract, starts, progress or Progress(PAUSED_S))
            log(f"{contract.id}: deleted {found} rows that vanished from the source unseen")
            deleted += found
    finally:
        connect.resume(fresh.connector)
    return deleted


def pause(connect: ConnectHook, connector: str, timeout_s: float = 120.0) -> None:
    """Pause the connector; restart it if its tasks do not pause.

    A failed task does not become paused by itself. A task that starts while the connector is being paused may miss the
    request. A second request has no effect, since the state is the same. A restarted task begins paused.

    Raises:
        SystemUnavailable: it is not paused in time.
    """
    deadline = time.monotonic() + timeout_s
    connect.pause(connector)
    while True:
        status = connect.status(connector)
        if status and status.failures:
            connect.restart(connector)
        try:
            connect.wait(connector, "PAUSED", RESTART_S)
        except SystemUnavailable:
            if time.monotonic() > deadline:
                raise
            connect.restart(connector, only_failed=False)
        else:
            return


def of_connection(contracts: Iterable[Contract], connection: str) -> tuple[Contract, ...]:
    """Return the contracts whose rows Debezium reads over the connection, sorted by id."""
    mine = (c for c in contracts if c.captured and c.source.connection == connection)
    return tuple(sorted(mine, key=lambda contract: contract.id))
