"""The fast lane's reader against Kafka itself: committed records only, in slices of bounded size, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from headrace.streaming.reading import Gone, Range, RangeReader
from headrace.systems.bundle import Systems
from include.stack.logins import kafka_options


@pytest.fixture
def reader(stack: Any) -> Iterator[RangeReader]:
    options = kafka_options(stack.settings, "streams")
    made = RangeReader(stack.systems.kafka.address, options, most_bytes=10_000)
    yield made
    made.close()


def transactions(stack: Any, topic: str) -> None:
    """Offsets 0 to 2 committed, 3 a marker, 4 and 5 aborted, 6 a marker, 7 a tombstone, 8 a record, 9 a marker."""
    producer = stack.systems.kafka.producer(**{"transactional.id": topic})
    producer.init_transactions(30)
    for values, end in (
        ([b"a", b"b", b"c"], producer.commit_transaction),
        ([b"x", b"y"], producer.abort_transaction),
        ([None, b"d"], producer.commit_transaction),
    ):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, b"k", partition=0)
        producer.flush(30)
        end(30)


def found(reader: RangeReader, topic: str, start: int, end: int) -> list[tuple[int, bytes | None]]:
    parts = list(reader.slices({(topic, 0): Range(start, end)}))
    return [(row["offset"], row["value"]) for part in parts for row in part.records.to_pylist()]


def test_ranges_hold_committed_records_wherever_they_begin_and_end(reader: RangeReader, stack: Any, topic: str) -> None:
    transactions(stack, topic)
    assert reader.kept((topic, 0)) == Range(0, 10)
    whole = [(0, b"a"), (1, b"b"), (2, b"c"), (7, None), (8, b"d")]
    for start, end in ((0, 10), (0, 4), (3, 7), (4, 6), (6, 10), (2, 3), (9, 10)):
        assert found(reader, topic, start, end) == [each for each in whole if start <= each[0] < end]
    row = next(iter(reader.slices({(topic, 0): Range(8, 9)}))).records.to_pylist()[0]
    assert (row["topic"], row["partition"], row["key"]) == (topic, 0, b"k")
    assert row["timestamp"].year >= 2026


def test_large_records_come_in_slices_that_are_cut_the_same_each_time(
    reader: RangeReader, systems: Systems, topic: str
) -> None:
    producer = systems.kafka.producer()
    sizes = [10, 4_000, 4_000, 4_000, 25_000, 9_990, 1, 4_000]
    for size in sizes:
        producer.produce(topic, b"v" * size)
    producer.flush(30)
    parts = list(reader.slices({(topic, 0): Range(0, len(sizes))}))
    assert [part.records["offset"].to_pylist() for part in parts] == [[0, 1, 2], [3], [4], [5, 6], [7]]
    assert [part.name.rpartition(":")[2] for part in parts] == ["0", "3", "4", "5", "7"]
    again = list(reader.slices({(topic, 0): Range(0, len(sizes))}))
    assert [part.name for part in again] == [part.name for part in parts]


def test_records_that_kafka_removed_are_reported(reader: RangeReader, systems: Systems, topic: str) -> None:
    producer = systems.kafka.producer()
    for _ in range(5):
        producer.produce(topic, b"v")
    producer.flush(30)
    for futures in systems.kafka.admin.delete_records([TopicPartition(topic, 0, 3)]).values():
        futures.result(30)
    with pytest.raises(Gone) as gone:
        found(reader, topic, 1, 5)
    assert (gone.value.place, reader.kept((topic, 0))) == ((topic, 0), Range(3, 5))
    assert [offset for offset, _ in found(reader, topic, 3, 5)] == [3, 4]
    with pytest.raises(Gone):
        found(reader, f"{topic}-none", 0, 1)
    assert reader.kept((f"{topic}-none", 0)) == Range(0, 0)
    assert reader.existing([topic, f"{topic}-none"]) == [topic]
