"""Expected Avro schemas of a CDC topic: the ones that Debezium registers for the contract's table.

For a cdc source the database owns the schema, so these schemas are an expectation. They have the form that Debezium
3.6's PostgreSQL connector and Apicurio's AvroConverter 2.6 write (tests compare them with captured ones): numeric as
precise decimal, timestamptz as text, every column before and after inside an envelope. The module `cdc` refuses types
that the chain changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headrace.contracts.contract import Contract
from headrace.contracts.names import topic
from headrace.contracts.types import (
    MISSING,
    Array,
    AvroType,
    Decimal,
    Enum,
    Field,
    Primitive,
    Timestamp,
    type_name,
)

TYPES: Final[Mapping[str, tuple[str, str | None]]] = {
    "boolean": ("boolean", None),
    "int": ("int", None),
    "long": ("long", None),
    "float": ("float", None),
    "double": ("double", None),
    "bytes": ("bytes", None),
    "string": ("string", None),
    "decimal": ("bytes", "org.apache.kafka.connect.data.Decimal"),
    "date": ("int", "io.debezium.time.Date"),
    "timestamp-millis": ("string", "io.debezium.time.ZonedTimestamp"),
    "timestamp-micros": ("string", "io.debezium.time.ZonedTimestamp"),
    "uuid": ("string", "io.debezium.data.Uuid"),
    "enum": ("string", "io.debezium.data.Enum"),
    "array": ("array", None),
}
"""Avro type name → (Avro type, Kafka Connect's name of the logical type).

`cdc.UNFAITHFUL` lists the types that CDC does not support, with the reason.
"""

TEXTS: Final = frozenset({"io.debezium.data.Json", "io.debezium.data.Xml"})
"""Kafka Connect's names of special text types (`json`, `jsonb`, `xml`). A contract declares them as string."""

ENVELOPE: Final = frozenset({"before", "after", "source", "op"})
"""Fields that identify a change envelope."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_envelope(schema: Any) -> bool:
    """Return whether an Avro schema is a change envelope."""
    if not isinstance(schema, Mapping) or schema.get("type") != "record":
        return False
    return {field["name"] for field in schema["fields"]} >= ENVELOPE


def row_schema(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of the row inside an envelope."""
    before = next(field["type"] for field in envelope["fields"] if field["name"] == "before")
    branches = before if isinstance(before, list) else [before]
    return next(branch for branch in branches if isinstance(branch, Mapping))


def key_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema of `<topic>-key`: the primary key's columns in key order."""
    namespace = topic(contract)
    return {
        "type": "record",
        "name": "Key",
        "namespace": namespace,
        "fields": [_column(field) for field in contract.key_fields],
        "connect.name": f"{namespace}.Key",
    }


def value_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema of `<topic>-value`: the change envelope."""
    namespace = topic(contract)
    row = {
        "type": "record",
        "name": "Value",
        "fields": [_column(field) for field in contract.record.fields],
        "connect.name": f"{namespace}.Value",
    }
    return {
        "type": "record",
        "name": "Envelope",
        "namespace": namespace,
        "fields": [
            _optional("before", row),
            _optional("after", "Value"),
            {"name": "source", "type": _SOURCE},
            _optional("transaction", _TRANSACTION),
            {"name": "op", "type": "string"},
            *(_optional(name, "long") for name in ("ts_ms", "ts_us", "ts_ns")),
        ],
        "connect.version": 2,
        "connect.name": f"{namespace}.Envelope",
    }


def _column(field: Field) -> dict[str, Any]:
    default = _default(field)
    column = render(field.type, default)
    if default is MISSING:
        return _optional(field.name, column) if field.nullable else _required(field.name, column)
    column = [column, "null"] if field.nullable else column
    return {"name": field.name, "type": column, "default": default}


def render(avro_type: AvroType, default: Any = MISSING) -> Any:
    """Return the Avro schema of one column's values."""
    carrier, connect_name = TYPES[type_name(avro_type)]
    schema: dict[str, Any] = {"type": carrier}
    match avro_type:
        case Array(element, _, nullable):
            inner = render(element)
            return {**schema, "items": ["null", inner] if nullable else inner}
        case Decimal(precision, scale):
            schema |= {"scale": scale, "precision": precision, "connect.version": 1}
            schema["connect.parameters"] = {
                "scale": str(scale),
                "connect.decimal.precision": str(precision),
            }
        case Enum(symbols=symbols):
            schema["connect.version"] = 1
            schema["connect.parameters"] = {"allowed": ",".join(symbols)}
        case _ if connect_name:
            schema["connect.version"] = 1
    if default is not MISSING:
        schema["connect.default"] = default
    if connect_name:
        schema["connect.name"] = connect_name
    if isinstance(avro_type, Decimal):
        schema["logicalType"] = "decimal"
    return schema if len(schema) > 1 else carrier


def _default(field: Field) -> Any:
    """Return the default in Debezium's spelling, or `MISSING`. Connect treats a default of null as no default."""
    default = field.default
    if default is MISSING or default is None:
        return MISSING
    match field.type:
        case Array() | Primitive("bytes"):
            return MISSING
        case Decimal():
            unscaled = int.from_bytes(default.encode("latin-1"), "big", signed=True)
            return _shortest(unscaled).decode("latin-1")
        case Timestamp("millis"):
            return _instant(timedelta(milliseconds=default), "milliseconds")
        case Timestamp("micros"):
            return _instant(timedelta(microseconds=default), "microseconds")
        case Primitive("float" | "double"):
            return float(default)
        case _:
            return default


def _instant(since_epoch: timedelta, timespec: str) -> str:
    return (_EPOCH + since_epoch).isoformat(timespec=timespec).replace("+00:00", "Z")


def _shortest(unscaled: int) -> bytes:
    """Return the two's complement, big-endian, in as few bytes as possible, like Java's BigInteger."""
    size = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
    return unscaled.to_bytes(size, "big", signed=True)


def _required(name: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "type": schema}


def _optional(name: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", schema], "default": None}


_SNAPSHOT: Final = {
    "type": "string",
    "connect.version": 1,
    "connect.parameters": {
        "allowed": "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"
    },
    "connect.default": "false",
    "connect.name": "io.debezium.data.Enum",
}

_SOURCE: Final[Mapping[str, Any]] = {
    "type": "record",
    "name": "Source",
    "namespace": "io.debezium.connector.postgresql",
    "fields": [
        _required("version", "string"),
        _required("connector", "string"),
        _required("name", "string"),
        _required("ts_ms", "long"),
        {"name": "snapshot", "type": [_SNAPSHOT, "null"], "default": "false"},
        _required("db", "string"),
        _optional("sequence", "string"),
        _optional("ts_us", "long"),
        _optional("ts_ns", "long"),
        _required("schema", "string"),
        _required("table", "string"),
        _optional("txId", "long"),
        _optional("lsn", "long"),
        _optional("xmin", "long"),
        _optional("origin", "string"),
        _optional("origin_lsn", "long"),
    ],
    "connect.version": 1,
    "connect.name": "io.debezium.connector.postgresql.Source",
}

_TRANSACTION: Final[Mapping[str, Any]] = {
    "type": "record",
    "name": "block",
    "namespace": "event",
    "fields": [
        _required("id", "string"),
        _required("total_order", "long"),
        _required("data_collection_order", "long"),
    ],
    "connect.version": 1,
    "connect.name": "event.block",
}
