"""A lost replication slot: a fresh snapshot that leaves no gap.

Changes between the loss and the snapshot were never captured. The snapshot brings what is there
now, but not what was deleted meanwhile: those rows are found by comparing the warehouse with the
snapshot and deleted by change events of our own, so every sink drops them in the usual way.

1. `start_over`: stop the connector, forget its positions, drop the slot, resume. Debezium makes a
   new slot and takes a snapshot, whose records begin at the topics' ends as they were in between.
2. When the snapshot is complete: `reconcile`, with the connector paused, so nothing interferes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemFailure, SystemUnavailable
from headrace.services.connectors.missed_deletes import Progress, await_stream, delete_vanished
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.kafka.counter import Schemas
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.warehouse.hook import WarehouseHook

PAUSED_S: Final = 120.0
"""Seconds that a connector stays paused while its stream serves the last changes."""
RESTART_S: Final = 10.0
"""Seconds that tasks get to pause before they are restarted."""


@dataclass(frozen=True, slots=True)
class FreshStart:
    """A source connector that was started over. JSON-able."""

    connection: str
    starts: Mapping[str, Mapping[int, int]] = field(hash=False)
    """Topic → partition → the offset at which records of the fresh snapshot may begin."""

    @property
    def connector(self) -> str:
        """The connector's name."""
        return names.source_connector(self.connection)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        starts = {t: {str(p): o for p, o in found.items()} for t, found in self.starts.items()}
        return {"connection": self.connection, "starts": starts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FreshStart:
        """The inverse of `to_json`."""
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
    """Makes the source connector of the connection begin with a fresh snapshot. May be repeated.

    `remember` is called before anything is lost, so that whoever comes after a crash goes on.

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
    log(f"slot {slot}: {'dropped' if dropped else 'was not there'}")
    connect.resume(connector)
    try:
        connect.wait(connector, "RUNNING")
    except SystemFailure as error:  # whoever watches restarts it; the recovery goes on with its snapshot
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
    """Deletes what vanished from the source unseen; how many rows. Call it after the snapshot.

    The streams are waited for first, then the connector is paused for the comparison, and resumed whatever happens.

    Raises:
        SystemUnavailable: a stream did not catch up in time; call it again.
    """
    mine = [
        (contract, fresh.starts[names.topic(contract)])
        for contract in of_connection(contracts, fresh.connection)
        if names.topic(contract) in fresh.starts  # else the contract is newer than the fresh start
    ]
    for contract, starts in mine:
        await_stream(kafka, warehouse, contract, starts, progress or Progress())
    deleted = 0
    try:
        pause(connect, fresh.connector)
        for contract, starts in mine:
            found = delete_vanished(kafka, schemas, warehouse, contract, starts, progress or Progress(PAUSED_S))
            log(f"{contract.id}: {found} rows had left the source unseen, deleted")
            deleted += found
    finally:
        connect.resume(fresh.connector)
    return deleted


def pause(connect: ConnectHook, connector: str, timeout_s: float = 120.0) -> None:
    """Pause the connector, restarting it where its tasks do not follow.

    A failed task does not become paused by itself. A task that starts while the connector is asked to pause may miss
    the request, and asking again is no request, since the state is the same. A restarted one begins paused.

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
    """The contracts whose rows Debezium reads over that connection, by id."""
    mine = (c for c in contracts if c.source.kind == "cdc" and c.source.connection == connection)
    return tuple(sorted(mine, key=lambda contract: contract.id))
