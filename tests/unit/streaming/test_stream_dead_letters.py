"""A replayed record becomes the row that the sink would have landed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pyarrow as pa

from headrace.services.dead_letters.quarantine import Kept
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.replay import Record
from headrace.streaming.decode import decode
from headrace.streaming.replay.raw import landed
from headrace.streaming.replay.records import as_batch, reasons
from tests.support.change_records import SCHEMAS, batch, change, encoded, envelope, row, writer_of

RAW = pa.schema(
    [
        ("basket", pa.int64()),
        ("product", pa.int64()),
        ("value", pa.decimal128(12, 2)),
        ("at", pa.timestamp("us", "UTC")),
        ("note", pa.large_string()),
        ("added_since", pa.large_string()),
        ("_op", pa.large_string()),
        ("_lsn", pa.int64()),
        ("_committed_at", pa.timestamp("us", "UTC")),
        ("_topic", pa.large_string()),
        ("_kafka_partition", pa.int32()),
        ("_offset", pa.int64()),
    ]
)


def test_a_change_lands_flat_with_its_own_position() -> None:
    values = [
        encoded(change("u", row(1, note="é"), row(1), lsn=7, ts_us=1_700_000_000_123_456)),
        encoded(change("d", None, row(2), lsn=8)),
        None,
    ]
    made, dead = decode(batch(values, first=50, partition=3), writer_of, lambda chunk: landed(chunk, RAW))
    assert dead == []
    updated, deleted = pa.concat_tables(made).to_pylist()
    assert updated == {
        "basket": 0,
        "product": 1,
        "value": Decimal("3.50"),
        "at": dt.datetime(2017, 7, 14, 2, 40, 7, tzinfo=dt.UTC),
        "note": "é",
        "added_since": None,
        "_op": "u",
        "_lsn": 7,
        "_committed_at": dt.datetime(2023, 11, 14, 22, 13, 20, 123000, dt.UTC),
        "_topic": "oltp.shop.lines",
        "_kafka_partition": 3,
        "_offset": 50,
    }
    assert (deleted["_op"], deleted["product"], deleted["_offset"]) == ("d", 2, 51)


def test_nested_values_and_uuids_fit_the_lakes_types() -> None:
    fields = [
        {"name": "id", "type": {"type": "string", "connect.name": "io.debezium.data.Uuid"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
    ]
    schema = envelope(fields)
    SCHEMAS[77] = schema
    wanted = pa.schema([("id", pa.uuid()), ("tags", pa.large_list(pa.large_string())), ("_offset", pa.int64())])
    one = UUID("6f2c1d0e-0000-4000-8000-000000000001")
    value = encoded(change("c", {"id": str(one), "tags": ["a", "b"]}), 77)
    try:
        (made,), dead = decode(batch([value]), writer_of, lambda chunk: landed(chunk, wanted))
    finally:
        del SCHEMAS[77]
    assert dead == []
    assert made.to_pylist() == [{"id": one, "tags": ["a", "b"], "_offset": 0}]


def test_a_record_is_read_at_its_own_place_and_a_reason_finds_it_again() -> None:
    at = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    records = [
        Record(Position("lake-shop", "oltp.shop.lines", 1, 9), Kept(b"k", encoded(change("c", row(1))), at)),
        Record(Position("lake-shop", "oltp.shop.lines", 1, 11), Kept(None, b"garbage", at)),
    ]
    made, dead = decode(as_batch(records), writer_of, lambda chunk: landed(chunk, RAW))
    assert [line["_offset"] for part in made for line in part.to_pylist()] == [9]
    assert (dead[0].rule, dead[0].recorded_at) == ("wire-format", at)
    assert reasons(records, dead) == {records[1].position: "the value is not in the registry's wire format"}
