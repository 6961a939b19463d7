"""Counting change topics on a real broker, with the schemas that Debezium registers."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import fastavro
import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.targets import debezium
from headrace.contracts.types import Field, Primitive, Record
from headrace.systems.bundle import Systems
from headrace.systems.kafka.avro_blocks import wrap
from headrace.systems.kafka.counter import count_changes, count_events
from headrace.systems.kafka.counting import TopicCount

CONTRACT = Contract(
    "shop.orders", "shop", "orders", "1.0.0", "till",
    Record("Orders", "shop", "", (Field("id", 1, Primitive("long")), Field("note", 2, Primitive("string")))), ("id",),
    Source("cdc", "oltp", "shop.orders", "envelope"), ("raw",), "clickhouse",
)  # fmt: skip
SOURCE = {
    "version": "3", "connector": "postgresql", "name": "oltp", "ts_ms": 1, "db": "oltp", "schema": "shop",
    "table": "orders",
}  # fmt: skip
Send = Callable[..., None]


def _written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


@pytest.fixture
def ids(systems: Systems, name: str) -> Iterator[tuple[int, int]]:
    subjects = f"{name}-key", f"{name}-value"
    key = systems.registry.register(subjects[0], debezium.key_schema(CONTRACT))
    yield key, systems.registry.register(subjects[1], debezium.value_schema(CONTRACT))
    for subject in subjects:
        systems.registry.delete(subject)


@pytest.fixture
def send(systems: Systems, topic: str, ids: tuple[int, int]) -> Send:
    """`send((op, key, snapshot, lsn), …, abort=False)` in one transaction; None for a tombstone."""
    key_schema = fastavro.parse_schema(debezium.key_schema(CONTRACT))
    value_schema = fastavro.parse_schema(debezium.value_schema(CONTRACT))
    producer = systems.kafka.producer(**{"transactional.id": topic})
    producer.init_transactions()

    def value(op: str, key: int, snapshot: str, lsn: int) -> bytes:
        row = {"id": key, "note": "n" * (key % 50)}
        before, after = (None, row) if op in "cr" else (row, None) if op == "d" else (row, row)
        event = {"before": before, "after": after, "source": {**SOURCE, "snapshot": snapshot, "lsn": lsn}, "op": op}
        return wrap(ids[1], _written(value_schema, event))

    def transaction(*events: Any, abort: bool = False) -> None:
        end = systems.kafka.end_offsets(topic)[0]
        producer.begin_transaction()
        for event in events:
            if isinstance(event, bytes):
                producer.produce(topic, event)
                continue
            op, key, *where = event
            body = None if op == "-" else value(op, key, *where)
            producer.produce(topic, body, wrap(ids[0], _written(key_schema, {"id": key})))
            producer.poll(0)
        producer.flush()
        producer.abort_transaction() if abort else producer.commit_transaction()
        # The broker answers before it has written the transaction's marker, which readers wait for.
        deadline = time.monotonic() + 30
        while systems.kafka.end_offsets(topic)[0] < end + len(events) + 1:
            assert time.monotonic() < deadline, "the transaction's marker was not written within 30 s"
            time.sleep(0.05)

    return transaction


def _snapshot(keys: Iterable[int], lsn: int) -> list[tuple[str, int, str, int]]:
    marks = ["first_in_data_collection"]
    return [("r", key, marks.pop() if marks else "true", lsn) for key in keys]


def test_rows_are_counted_on_from_the_last_count(systems: Systems, topic: str, send: Send) -> None:
    def counted(since: TopicCount) -> TopicCount:
        return count_changes(systems.kafka, systems.registry.schema, since)

    send(*_snapshot(range(100), 50))
    count = counted(TopicCount(topic))
    assert (count.rows, count.changes) == (100, 100)
    send(("c", 200, "false", 60), ("u", 200, "false", 61), ("d", 3, "false", 62), ("-", 3), abort=False)
    send(("c", 201, "false", 63), abort=True)
    count = counted(TopicCount.from_json(count.to_json()))
    assert (count.rows, count.changes, count.partitions[0].tombstones) == (100, 103, 1)
    assert counted(count) == count
    assert counted(TopicCount(topic)) == count


def test_a_fresh_snapshot_and_the_changes_it_overlaps_are_counted_by_key(
    systems: Systems, topic: str, send: Send
) -> None:
    send(*_snapshot(range(10), 50), ("c", 11, "false", 60))
    count = count_changes(systems.kafka, systems.registry.schema, TopicCount(topic))
    assert count.rows == 11
    # Key 5 vanished unseen. 12 was made and 0 deleted while the snapshot was taken: it has the one, not the other.
    send(*_snapshot([1, 2, 3, 4, 6, 7, 8, 9, 11, 12], 90))
    send(("c", 12, "false", 88), ("d", 0, "false", 89), ("c", 13, "false", 95))
    after = count_changes(systems.kafka, systems.registry.schema, count)
    assert after.rows == 11
    assert count_changes(systems.kafka, systems.registry.schema, TopicCount(topic)).rows == 11


def test_what_is_no_change_is_counted_apart_and_stops_nothing(
    systems: Systems, topic: str, send: Send, ids: Any
) -> None:
    poison = b"json?", wrap(ids[1], b"\x00\x02"), wrap(ids[0], b"\x02")
    send(*_snapshot(range(3), 50), *poison, ("c", 9, "false", 60))
    count = count_changes(systems.kafka, systems.registry.schema, TopicCount(topic))
    assert (count.rows, count.changes, count.unreadable) == (4, 7, 3)


def test_every_record_of_an_event_topic_is_a_row(systems: Systems, topic: str, send: Send) -> None:
    send(b"a", b"b", b"c")
    first = count_events(systems.kafka, TopicCount(topic))
    send(b"d")
    assert (first.rows, count_events(systems.kafka, first).rows) == (3, 4)


def test_a_topic_that_was_made_anew_is_counted_anew(systems: Systems, topic: str, send: Send) -> None:
    send(*_snapshot(range(5), 50))
    count = count_changes(systems.kafka, systems.registry.schema, TopicCount(topic))
    systems.kafka.delete(topic)
    deadline = time.monotonic() + 30
    while topic in systems.kafka.partitions() and time.monotonic() < deadline:
        time.sleep(0.2)
    systems.kafka.create(topic, 1)
    send(*_snapshot(range(2), 60))
    assert (count.rows, count_changes(systems.kafka, systems.registry.schema, count).rows) == (5, 2)


def test_a_topic_that_lost_the_snapshot_to_its_retention_is_counted_on(
    systems: Systems, topic: str, send: Send
) -> None:
    from confluent_kafka import TopicPartition

    send(*_snapshot(range(5), 50))
    count = count_changes(systems.kafka, systems.registry.schema, TopicCount(topic))
    end = systems.kafka.end_offsets(topic)[0]
    for future in systems.kafka.admin.delete_records([TopicPartition(topic, 0, end)]).values():
        future.result()
    assert systems.kafka.begin_offsets(topic) == {0: end}
    send(("c", 9, "false", 60), ("c", 10, "false", 49))
    assert count_changes(systems.kafka, systems.registry.schema, count).rows == 7


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_many_changes_are_counted_whole(systems: Systems, topic: str, send: Send, rows: int) -> None:
    send(*_snapshot(range(rows), 50))
    count = count_changes(systems.kafka, systems.registry.schema, TopicCount(topic))
    assert count.rows == rows
