"""Re-read single tables of a source, while the other tables are still captured.

A blocking snapshot reads the rows that exist now. Rows that are gone are found by a comparison of the warehouse with
the snapshot, as after a lost slot (`recovery`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.errors import SystemUnavailable
from headrace.planning.topics import source_dead_letter_topic
from headrace.services.connectors.missed_deletes import Progress
from headrace.services.connectors.recovery import FreshStart, reconcile
from headrace.services.connectors.signals import request_snapshot
from headrace.systems.bundle import Systems
from headrace.systems.kafka.counter import Schemas, change_events
from headrace.systems.kafka.counting import READ
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import messages_to_end, read_to_end

ENDED: Final = ("last", "last_in_data_collection")
"""Debezium's markers of the last row of a snapshot, and of the last row of one of its tables."""
POLL_S: Final = 1.0


def reread(
    systems: Systems,
    connection: str,
    contracts: Sequence[Contract],
    log: Callable[[str], None],
    *,
    timeout_s: float = 7200.0,
    progress: Progress | None = None,
) -> int:
    """Re-read the tables of these contracts; return how many rows were deleted because the source no longer has them.

    All contracts belong to the connection. May be repeated.

    Raises:
        SystemFailure: the connector has failed; the message has the cause.
        SystemUnavailable: the snapshot or a stream was not complete in time.
    """
    connector = names.source_connector(connection)
    systems.connect.require_well(connector)
    tables = {contract.source.table or "": names.topic(contract) for contract in contracts}
    starts = {topic: systems.kafka.end_offsets(topic) for topic in tables.values()}
    dead_letters = systems.kafka.end_offsets(source_dead_letter_topic(connection))
    rows = systems.sources[connection].row_counts(tables)
    filled = [table for table, count in rows.items() if count]
    if filled:
        request_snapshot(systems.kafka, connection, filled)
        log(f"{connector}: requested a snapshot of {', '.join(filled)}")
        wanted = {tables[table]: starts[tables[table]] for table in filled}
        _await(systems, connection, wanted, dead_letters, timeout_s)
        log(f"{connector}: read {sum(rows.values()):,} rows")
    return reconcile(
        systems.connect,
        systems.kafka,
        systems.registry.schema,
        systems.warehouse,
        contracts,
        FreshStart(connection, starts),
        log,
        progress,
    )


def _await(
    systems: Systems,
    connection: str,
    starts: Mapping[str, Mapping[int, int]],
    dead_letters: Mapping[int, int],
    timeout_s: float,
) -> None:
    """Wait until the snapshot of every topic's table has ended, by its last row, which may be a dead letter."""
    connector, refused = names.source_connector(connection), source_dead_letter_topic(connection)
    waiting = {topic: dict(start) for topic, start in starts.items()}
    deadline = time.monotonic() + timeout_s
    while waiting:
        systems.connect.require_well(connector)
        dead_letters_end = systems.kafka.end_offsets(refused)
        refused_last = set(_ended_as_dead_letters(systems.kafka, refused, dead_letters, dead_letters_end))
        dead_letters = dead_letters_end
        for topic in list(waiting):
            end = systems.kafka.end_offsets(topic)
            if topic in refused_last or _ended(systems.kafka, systems.registry.schema, topic, waiting[topic], end):
                del waiting[topic]
            else:
                waiting[topic] = end
        if waiting and time.monotonic() > deadline:
            raise SystemUnavailable(
                "connect",
                connector,
                f"the snapshot of {', '.join(sorted(waiting))} has not ended after {timeout_s:.0f} s. It continues; run "
                "this again later.",
            )
        if waiting:
            time.sleep(POLL_S)


def _ended(kafka: KafkaHook, schemas: Schemas, topic: str, start: Mapping[int, int], end: Mapping[int, int]) -> bool:
    for batch in read_to_end(kafka, topic, start, end):
        events = change_events(batch, schemas)[0]
        if ((events["op"] == READ) & events["snapshot"].is_in(ENDED)).any():
            return True
    return False


def _ended_as_dead_letters(
    kafka: KafkaHook, topic: str, start: Mapping[int, int], end: Mapping[int, int]
) -> Iterator[str]:
    for messages in messages_to_end(kafka, topic, start, end):
        for message in messages:
            headers = {name: (value or b"").decode() for name, value in message.headers() or ()}
            if headers.get("snapshot") in ENDED:
                yield headers["topic"]


def of_datasets(contracts: Collection[Contract], datasets: Collection[str]) -> dict[str, list[Contract]]:
    """Return the contracts of the datasets by source connection. Raises ValueError for a dataset without CDC."""
    captured = {contract.id: contract for contract in contracts if contract.captured}
    if unknown := sorted(set(datasets) - captured.keys()):
        raise ValueError(
            f"{unknown[0]} is not captured from a database; captured datasets: {', '.join(sorted(captured))}"
        )
    chosen: dict[str, list[Contract]] = {}
    for dataset in sorted(set(datasets)):
        chosen.setdefault(captured[dataset].source.connection, []).append(captured[dataset])
    return chosen
