"""Kafka records as a CDC connector writes them: envelopes of one small table, in the registry's wire format."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import fastavro
import pyarrow as pa

from headrace.streaming.writer import Writer, compile_writer

TOPIC = "oltp.shop.lines"
SCHEMA_ID = 7
WIDER_ID = 8
PLAIN_ID = 9
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def amount(precision: int, scale: int) -> dict[str, Any]:
    return {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": precision,
        "scale": scale,
        "connect.name": "org.apache.kafka.connect.data.Decimal",
    }


INSTANT = {"type": "string", "connect.name": "io.debezium.time.ZonedTimestamp"}
DAY = {"type": "int", "connect.name": "io.debezium.time.Date"}
FIELDS: list[dict[str, Any]] = [
    {"name": "basket", "type": "long"},
    {"name": "product", "type": "long"},
    {"name": "household", "type": ["null", "long"], "default": None},
    {"name": "store", "type": "int"},
    {"name": "quantity", "type": "int"},
    {"name": "value", "type": amount(12, 2)},
    {"name": "discount", "type": amount(12, 2)},
    {"name": "at", "type": INSTANT},
    {"name": "note", "type": ["null", "string"], "default": None},
]
TARGET = {
    "basket": "Int64",
    "product": "Int64",
    "household": "Nullable(Int64)",
    "store": "Int32",
    "quantity": "Int32",
    "value": "Decimal(12, 2)",
    "discount": "Decimal(12, 2)",
    "at": "DateTime64(6, 'UTC')",
    "note": "Nullable(String)",
    "_op": "LowCardinality(String)",
    "_lsn": "UInt64",
    "_kafka_partition": "Int32",
    "_offset": "UInt64",
    "_committed_at": "DateTime64(6, 'UTC')",
    "_deleted": "UInt8",
}


def envelope(fields: Sequence[Mapping[str, Any]] = FIELDS, topic: str = TOPIC) -> dict[str, Any]:
    """The schema of a change of a row with these fields, with `source` cut to what is of interest and two more."""
    row = {"type": "record", "name": "Value", "fields": list(fields), "connect.name": f"{topic}.Value"}
    source = {
        "type": "record",
        "name": "Source",
        "namespace": "io.debezium.connector.postgresql",
        "fields": [
            {"name": "version", "type": "string"},
            {"name": "ts_ms", "type": "long"},
            {"name": "snapshot", "type": [{"type": "string", "connect.default": "false"}, "null"], "default": "false"},
            {"name": "ts_us", "type": ["null", "long"], "default": None},
            {"name": "lsn", "type": ["null", "long"], "default": None},
            {"name": "origin", "type": ["null", "string"], "default": None},
            {"name": "origin_lsn", "type": ["null", "long"], "default": None},
        ],
    }
    return {
        "type": "record",
        "name": "Envelope",
        "namespace": topic,
        "fields": [
            {"name": "before", "type": ["null", row], "default": None},
            {"name": "after", "type": ["null", "Value"], "default": None},
            {"name": "source", "type": source},
            {"name": "op", "type": "string"},
            {"name": "ts_us", "type": ["null", "long"], "default": None},
        ],
        "connect.name": f"{topic}.Envelope",
    }


SCHEMAS: dict[int, dict[str, Any]] = {
    SCHEMA_ID: envelope(),
    WIDER_ID: envelope([*FIELDS, {"name": "till", "type": ["null", "string"], "default": None}]),
    PLAIN_ID: {"type": "record", "name": "Visit", "fields": FIELDS},
}


def row(key: int = 1, **values: Any) -> dict[str, Any]:
    """A row; whatever is not given follows from the key."""
    made = {
        "basket": key // 10,
        "product": key,
        "household": 100 + key % 3,
        "store": key % 4,
        "quantity": 2,
        "value": decimal.Decimal("3.50"),
        "discount": decimal.Decimal("0.25"),
        "at": instant(key * 7),
        "note": None,
    }
    return made | values


def instant(seconds: float) -> str:
    return (EPOCH + dt.timedelta(seconds=1_500_000_000 + seconds)).isoformat(timespec="microseconds")[:-6] + "Z"


def change(
    op: str, after: Mapping[str, Any] | None = None, before: Mapping[str, Any] | None = None, *, lsn: int = 1,
    ts_us: int = 1_700_000_000_000_000, **source: Any,
) -> dict[str, Any]:  # fmt: skip
    """A change envelope."""
    origin = {"version": "3", "ts_ms": ts_us // 1000, "snapshot": "false", "ts_us": ts_us, "lsn": lsn, **source}
    return {"before": before, "after": after, "source": origin, "op": op, "ts_us": ts_us + 5}


def encoded(value: Any, schema_id: int = SCHEMA_ID, schema: Any = None) -> bytes:
    """In the wire format."""
    out = io.BytesIO()
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema or SCHEMAS[schema_id])), _write_hint=False)
    fastavro.schemaless_writer(out, parsed, value)
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()


def batch(values: Iterable[bytes | None], topic: str = TOPIC, first: int = 0, partition: int = 0) -> pa.Table:
    """The values as the driver gets them."""
    values = list(values)
    count = len(values)
    return pa.table(
        {
            "topic": pa.array([topic] * count, pa.string()),
            "partition": pa.array([partition] * count, pa.int32()),
            "offset": pa.array(range(first, first + count), pa.int64()),
            "timestamp": pa.array([1_700_000_000_000_000 + i for i in range(count)], pa.timestamp("us", "UTC")),
            "key": pa.array([b"k%d" % i for i in range(count)], pa.binary()),
            "value": pa.array(values, pa.binary()),
        }
    )


def writer_of(_: str, schema_id: int) -> Writer:
    """Compiles the schemas of this module; an id that is not theirs is an error of the test."""
    return compile_writer(schema_id, SCHEMAS[schema_id])
