"""Delete events of our own, against the schemas that Debezium is expected to register."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from typing import Any

import fastavro
import pytest

from headrace.contracts.contract import Contract, Source
from headrace.contracts.targets import debezium
from headrace.contracts.types import Array, Date, Decimal, Field, Primitive, Record, Timestamp, Uuid
from headrace.services.connectors.envelopes import Template, delete_event
from headrace.systems.kafka.avro_blocks import unwrap, wrap

FIELDS = (
    Field("id", 1, Primitive("long")),
    Field("amount", 2, Decimal(12, 2)),
    Field("day", 3, Date(), nullable=True),
    Field("at", 4, Timestamp("micros")),
    Field("ref", 5, Uuid(), nullable=True),
    Field("tags", 6, Array(Primitive("string"), 7, element_nullable=True)),
    Field("raw", 8, Primitive("bytes"), nullable=True),
)
CONTRACT = Contract(
    "shop.orders", "shop", "orders", "1.0.0", "till", Record("Orders", "shop", "", FIELDS), ("id",),
    Source("cdc", "oltp", "shop.orders", "envelope"), ("raw",), "clickhouse",
)  # fmt: skip
SCHEMAS = {1: debezium.key_schema(CONTRACT), 2: debezium.value_schema(CONTRACT)}
SOURCE = {
    "version": "3.6.3.Final", "connector": "postgresql", "name": "oltp", "ts_ms": 1, "snapshot": "first", "db": "oltp",
    "sequence": "[null,\"77\"]", "schema": "shop", "table": "orders", "txId": 9, "lsn": 77,
}  # fmt: skip


def _written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(schema)), value)
    return out.getvalue()


def _read(schema: Any, body: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(dict(schema)), None)


@pytest.fixture
def template() -> Template:
    row = {"id": 1, "amount": decimal.Decimal("1.25"), "at": "2024-01-01T00:00:00Z", "tags": []}
    envelope = {"before": None, "after": row, "source": SOURCE, "op": "r"}
    key, value = _written(SCHEMAS[1], {"id": 1}), _written(SCHEMAS[2], envelope)
    return Template.of(wrap(1, key), wrap(2, value), SCHEMAS.__getitem__)


def test_a_row_is_deleted_as_debezium_would_delete_it(template: Template) -> None:
    row = {
        "id": 42,
        "amount": decimal.Decimal("-3.10"),
        "day": dt.date(2017, 3, 4),
        "at": dt.datetime(2017, 3, 4, 5, 6, 7, 89, tzinfo=dt.UTC),
        "ref": "6f1b6bd7-9ac4-4d53-8f0f-8c2e1bd6a3a1",
        "tags": ["a", None],
        "raw": b"\x00\xff",
    }
    record = delete_event(template, ("id",), row, at=1_700_000_000.5, first=500)
    key, value = unwrap(record.key), unwrap(record.value)
    assert key is not None
    assert value is not None
    assert (key.schema_id, value.schema_id) == (1, 2)
    assert _read(SCHEMAS[1], key.body) == {"id": 42}
    event = _read(SCHEMAS[2], value.body)
    assert event["op"] == "d"
    assert event["after"] is None
    assert event["before"] == {
        "id": 42,
        "amount": decimal.Decimal("-3.10"),
        "day": 17229,
        "at": "2017-03-04T05:06:07.000089Z",
        "ref": "6f1b6bd7-9ac4-4d53-8f0f-8c2e1bd6a3a1",
        "tags": ["a", None],
        "raw": b"\x00\xff",
    }


def test_the_event_is_of_now_but_at_the_snapshots_position(template: Template) -> None:
    row = {"id": 1, "amount": decimal.Decimal("0.00"), "at": dt.datetime(2020, 1, 1), "tags": []}  # noqa: DTZ001
    value = unwrap(delete_event(template, ("id",), row, at=1_700_000_000.5, first=500).value)
    assert value is not None
    source = _read(SCHEMAS[2], value.body)["source"]
    assert (source["lsn"], source["snapshot"], source["ts_ms"]) == (77, "false", 1_700_000_000_500)
    assert (source["origin"], source["origin_lsn"]) == ("headrace.recovery", 500)


def test_what_is_not_in_the_wire_format_is_no_template() -> None:
    with pytest.raises(ValueError, match="wire format"):
        Template.of(b"key", b"{}", SCHEMAS.__getitem__)
