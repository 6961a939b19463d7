"""A batch by topic and schema: what cannot be read is set aside with its place and the reason."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.decode import Chunk, decode, schema_ids
from headrace.streaming.writer import UnreadableSchema, Writer
from tests.support.change_records import (
    PLAIN_ID,
    SCHEMA_ID,
    TOPIC,
    WIDER_ID,
    batch,
    change,
    encoded,
    row,
    writer_of,
)

CHANGE = encoded(change("c", row(1)))


def places(chunk: Chunk) -> tuple[str, int, list[int]]:
    return chunk.topic, chunk.writer.id, chunk.records["offset"].to_pylist()


def test_chunks_are_by_topic_and_schema_in_the_order_of_kafka() -> None:
    wider = encoded(change("c", {**row(2), "till": "t1"}), WIDER_ID)
    records = pa.concat_tables(
        [batch([CHANGE, wider, CHANGE]), batch([CHANGE], topic="other", first=40), batch([wider], first=9)]
    )
    made, dead = decode(records, writer_of, places)
    assert made == [(TOPIC, SCHEMA_ID, [0, 2]), (TOPIC, WIDER_ID, [1, 9]), ("other", SCHEMA_ID, [40])]
    assert dead == []


def test_tombstones_are_left_out() -> None:
    made, dead = decode(batch([None, CHANGE, None]), writer_of, places)
    assert made == [(TOPIC, SCHEMA_ID, [1])]
    assert dead == []
    assert decode(batch([None]), writer_of, places) == ([], [])
    assert decode(batch([]), writer_of, places) == ([], [])


@pytest.mark.parametrize("value", [b"", b"\0\0\0", b"\x01\0\0\0\x07" + CHANGE[5:], b'{"json": 1}'])
def test_what_is_in_no_wire_format_is_set_aside(value: bytes) -> None:
    made, dead = decode(batch([CHANGE, value, CHANGE]), writer_of, places)
    assert made == [(TOPIC, SCHEMA_ID, [0, 2])]
    assert [(d.topic, d.partition, d.offset, d.key, d.value) for d in dead] == [(TOPIC, 0, 1, b"k1", value)]
    assert "wire format" in dead[0].reason
    assert dead[0].rule == "wire-format"
    assert dead[0].recorded_at == dt.datetime(2023, 11, 14, 22, 13, 20, 1, dt.UTC)


def test_a_schema_that_cannot_be_read_takes_only_its_own_records_along() -> None:
    def registry(topic: str, schema_id: int) -> Writer:
        if schema_id == PLAIN_ID:
            raise UnreadableSchema("the registry has no schema id 9", "schema-unknown")
        return writer_of(topic, schema_id)

    made, dead = decode(batch([CHANGE, encoded(row(1), PLAIN_ID), CHANGE]), registry, places)
    assert made == [(TOPIC, SCHEMA_ID, [0, 2])]
    assert [(d.offset, d.reason) for d in dead] == [(1, "the registry has no schema id 9")]
    assert dead[0].rule == "schema-unknown"


def test_a_step_that_refuses_a_record_sets_it_aside_alone() -> None:
    def step(chunk: Chunk) -> list[int]:
        offsets: list[int] = chunk.records["offset"].to_pylist()
        if {3, 17} & set(offsets):
            raise UnreadableRecords("no threes")
        return offsets

    made, dead = decode(batch([CHANGE] * 20), writer_of, step)
    assert [offset for part in made for offset in part] == [i for i in range(20) if i not in (3, 17)]
    assert [(d.offset, d.reason) for d in dead] == [(3, "no threes"), (17, "no threes")]


def test_an_error_of_another_kind_ends_the_batch() -> None:
    def step(chunk: Chunk) -> None:
        raise ConnectionError("ClickHouse is away")

    with pytest.raises(ConnectionError):
        decode(batch([CHANGE] * 3), writer_of, step)


def test_schema_ids_are_four_bytes_big_endian() -> None:
    values = pa.array([b"\0\xff\xff\xff\xffx", b"\0\0\0\x01\0", b"\x01\0\0\0\x01x", b"\0\0"], pa.binary())
    np.testing.assert_array_equal(schema_ids(values), [0xFFFFFFFF, 256, -1, -1])
    np.testing.assert_array_equal(schema_ids(values.slice(1, 2)), [256, -1])
    np.testing.assert_array_equal(schema_ids(pa.array([b"", b"\0"], pa.binary())), [-1, -1])
