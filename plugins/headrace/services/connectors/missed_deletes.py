"""Find rows that were deleted in the source while nothing was captured, and write delete events for them.

`await_stream` waits for the stream while the connector still runs; only the comparison needs the connector paused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.types import Primitive
from headrace.errors import SystemFailure, SystemUnavailable
from headrace.planning.ddl import identifier, qualified
from headrace.planning.topics import LARGEST_MESSAGE
from headrace.services.connectors.envelopes import Record, Template, delete_event
from headrace.systems.kafka.counter import Schemas, change_events
from headrace.systems.kafka.counting import READ
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import Batch, last_value, messages_to_end, read_to_end
from headrace.systems.warehouse.hook import WarehouseHook

AT_ONCE: Final = 500
"""Dead letters that are read at once; each may be as large as the largest record."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Timeout and poll interval, in seconds, of the wait for the stream to serve the snapshot."""

    timeout_s: float = 900.0
    poll_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep


def delete_missed(
    kafka: KafkaHook,
    schemas: Schemas,
    warehouse: WarehouseHook,
    contract: Contract,
    starts: Mapping[int, int],
    progress: Progress,
) -> int:
    """Send a delete event for each served row that the fresh snapshot does not have; return how many.

    `starts` is, by partition, the offset at which the snapshot begins. Nothing else may write to
    the topic meanwhile.

    Raises:
        SystemUnavailable: the stream did not serve the snapshot in time, or the broker did not accept an event.
    """
    await_stream(kafka, warehouse, contract, starts, progress)
    topic = names.topic(contract)
    ends = kafka.end_offsets(topic)
    sent, template = 0, None
    for rows in _stale(warehouse, contract, starts):
        template = template or _template(kafka, schemas, topic, starts, ends)
        now = time.time()
        _send(kafka, topic, [(p, delete_event(template, contract.key, row, now, starts[p])) for p, row in rows])
        sent += len(rows)
    return sent


def await_stream(
    kafka: KafkaHook,
    warehouse: WarehouseHook,
    contract: Contract,
    starts: Mapping[int, int],
    progress: Progress,
) -> None:
    """Wait until the stream has served or refused the last change that each partition has now.

    Raises:
        SystemUnavailable: it did not in time.
    """
    topic, table = names.topic(contract), names.changes_table(contract)
    ends = kafka.end_offsets(topic)
    last = {p: last_value(kafka, topic, p, starts.get(p, 0), end) for p, end in ends.items()}
    query = f"SELECT _kafka_partition, max(_offset) FROM {qualified(table)} GROUP BY _kafka_partition"  # noqa: S608
    refused = Refused(kafka, names.dead_letter_topic(contract.stream_group), topic)
    deadline = time.monotonic() + progress.timeout_s
    while True:
        served = {int(row[0]): int(row[1]) for row in warehouse.rows(query)}
        behind = {p for p, offset in last.items() if served.get(p, -1) < offset}
        if not behind or not behind - refused.at_least(last):
            return
        if time.monotonic() > deadline:
            raise SystemUnavailable(
                "warehouse",
                warehouse.address,
                f"{table} does not have the whole snapshot of {topic} after "
                f"{progress.timeout_s:.0f} s: check that its stream runs. Rows that were deleted "
                "unseen are served until then. This is retried.",
            )
        progress.sleep(progress.poll_s)


class Refused:
    """Tracks, from the dead letters, how far a stream has refused the records of a topic."""

    def __init__(self, kafka: KafkaHook, dead_letters: str, topic: str) -> None:
        self._kafka = kafka
        self._dead_letters = dead_letters
        self._topic = topic
        self._read: dict[int, int] = {}
        self._refused: dict[int, int] = {}

    def at_least(self, offsets: Mapping[int, int]) -> set[int]:
        """Return the partitions in which the record at the offset, or a later one, is a dead letter."""
        if self._dead_letters in self._kafka.partitions():
            self._read_on()
        return {p for p, offset in offsets.items() if self._refused.get(p, -1) >= offset}

    def _read_on(self) -> None:
        end = self._kafka.end_offsets(self._dead_letters)
        for messages in messages_to_end(self._kafka, self._dead_letters, self._read, end, AT_ONCE):
            for message in messages:
                headers = {name: (value or b"").decode() for name, value in message.headers() or ()}
                if headers.get("topic") == self._topic:
                    partition, offset = int(headers["partition"]), int(headers["offset"])
                    self._refused[partition] = max(self._refused.get(partition, -1), offset)
        self._read = end


def _stale(
    warehouse: WarehouseHook, contract: Contract, starts: Mapping[int, int]
) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Yield (partition, row) of each served row that was last seen before the snapshot, block by block."""
    fields = contract.record.fields
    columns = ", ".join(
        f"hex({identifier(f.name)})" if f.type == Primitive("bytes") else identifier(f.name) for f in fields
    )
    older = " OR ".join(f"(_kafka_partition = {p} AND _offset < {first})" for p, first in starts.items())
    table = qualified(names.state_table(contract))
    query = f"SELECT _kafka_partition, {columns} FROM {table} FINAL WHERE {older or 'false'}"  # noqa: S608
    for block in filter(None, warehouse.blocks(query)):
        yield [(int(partition), _row(contract, values)) for partition, *values in block]


def _row(contract: Contract, values: Iterable[Any]) -> dict[str, Any]:
    return {
        field.name: bytes.fromhex(value) if field.type == Primitive("bytes") and value else value
        for field, value in zip(contract.record.fields, values, strict=True)
    }


def _template(
    kafka: KafkaHook,
    schemas: Schemas,
    topic: str,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
) -> Template:
    """Return a template for delete events: the snapshot's first record, otherwise the last change of the topic.

    A record of the snapshot has the snapshot's LSN, by which counts detect that the event overlaps it.
    """
    for batch in read_to_end(kafka, topic, starts, ends):
        events = change_events(batch, schemas)[0]
        read = events.filter(events["op"] == READ)
        if read.height:
            return _of(batch, batch.offsets.index(int(read["offset"][0])), schemas)
    found = None
    for batch in read_to_end(kafka, topic, {}, ends):
        change = [i for i, value in enumerate(batch.values) if value is not None]
        found = _of(batch, change[-1], schemas) if change else found
    if found is None:
        raise SystemFailure(
            "kafka", kafka.address, f"topic {topic} has no record from which a delete event can be built."
        )
    return found


def _of(batch: Batch, place: int, schemas: Schemas) -> Template:
    return Template.of(batch.keys[place] or b"", batch.values[place] or b"", schemas)


def _send(kafka: KafkaHook, topic: str, records: list[tuple[int, Record]]) -> None:
    faults: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error:
            faults.append(str(error))

    producer = kafka.producer(**{"message.timeout.ms": 60_000, "message.max.bytes": LARGEST_MESSAGE})
    for partition, record in records:
        for value in (record.value, None):  # the tombstone follows the event, as in Debezium
            while True:
                try:
                    producer.produce(topic, value, record.key, partition=partition, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.5)
    if producer.flush(90.0) or faults:
        cause = faults[0] if faults else "no answer"
        raise SystemUnavailable(
            "kafka",
            kafka.address,
            f"delete events for {topic} were not all accepted: {cause}. Accepted events are served; "
            "the others are found again at the retry.",
        )
