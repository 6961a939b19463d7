"""Request snapshots of tables from a Debezium connector, over its Kafka signal channel.

A table added to a running connector is captured from then on; its older rows need a snapshot. A blocking snapshot
pauses the changes, reads the table, and continues.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping

from headrace.contracts import names
from headrace.errors import SystemUnavailable
from headrace.planning.topics import signal_topic
from headrace.systems.kafka.counter import Schemas, change_events
from headrace.systems.kafka.counting import READ
from headrace.systems.kafka.hook import KafkaHook
from headrace.systems.kafka.reading import read_to_end


def request_snapshot(kafka: KafkaHook, connection: str, tables: Iterable[str]) -> str:
    """Request a snapshot of these `schema.table` from the connection's source connector; return the signal's id.

    Raises:
        SystemUnavailable: the brokers did not accept the signal.
    """
    signal = str(uuid.uuid4())
    value = {
        "id": signal,
        "type": "execute-snapshot",
        "data": {"type": "BLOCKING", "data-collections": sorted(tables)},
    }
    faults: list[str] = []
    producer = kafka.producer(**{"message.timeout.ms": 15_000})
    producer.produce(
        signal_topic(connection),
        key=connection,  # Debezium accepts only signals with its topic prefix as the key
        value=json.dumps(value),
        on_delivery=lambda error, _: faults.append(str(error)) if error else None,
    )
    if producer.flush(20.0) or faults:
        cause = faults[0] if faults else "no answer"
        raise SystemUnavailable(
            "kafka",
            kafka.address,
            f"the signal to read {', '.join(sorted(tables))} was not accepted: {cause}. It stays due "
            "and is sent with the next apply.",
        )
    return signal


def await_snapshot(
    kafka: KafkaHook,
    schemas: Schemas,
    connection: str,
    since: Mapping[str, Mapping[int, int]],
    timeout_s: float = 180.0,
    sleep: Callable[[float], None] = time.sleep,
    check: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Wait until each table's topic has a row read by a snapshot; return the tables without one.

    `check` is called before each poll; an exception that it raises ends the wait.

    Args:
        since: table → the end offsets of its topic before the snapshot was requested.
    """
    waiting = {table: dict(offsets) for table, offsets in since.items()}
    deadline = time.monotonic() + timeout_s
    while waiting:
        check()
        for table in list(waiting):
            topic = names.cdc_topic(connection, table)
            end = kafka.end_offsets(topic)
            if _has_read(kafka, schemas, topic, waiting[table], end):
                del waiting[table]
            else:
                waiting[table] = end
        if not waiting or time.monotonic() > deadline:
            break
        sleep(1.0)
    return tuple(sorted(waiting))


def _has_read(
    kafka: KafkaHook,
    schemas: Schemas,
    topic: str,
    start: Mapping[int, int],
    end: Mapping[int, int],
) -> bool:
    return any(
        bool((change_events(batch, schemas)[0]["op"] == READ).any()) for batch in read_to_end(kafka, topic, start, end)
    )
