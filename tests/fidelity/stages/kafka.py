"""Kafka: what was captured, decoded by the writer's schema, without any help of logical types that could lose something."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import fastavro

from headrace.systems.bundle import Systems
from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.reading import messages_to_end
from headrace.systems.registry.hook import RegistryHook
from tests.fidelity import exact
from tests.fidelity.changes import Position, Record
from tests.fidelity.exact import Exact
from tests.fidelity.gregorian import micros
from tests.fidelity.source import key_of
from tests.fidelity.tables import Column, Table

INFINITE: Final = frozenset({"infinity", "-infinity"})
NO_DAY: Final = {2**31 - 1: "infinity", -(2**31): "-infinity"}


class Captured:
    """The records of the tables' topics."""

    def __init__(self, systems: Systems, connection: str, schema: str) -> None:
        self._kafka = systems.kafka
        self._prefix = f"{connection}.{schema}"
        self._schemas = Schemas(systems.registry)

    def topic(self, table: Table) -> str:
        """The table's topic."""
        return f"{self._prefix}.{table.name}"

    def ends(self, table: Table) -> dict[int, int]:
        """By partition, the offset after the last record."""
        return self._kafka.end_offsets(self.topic(table))

    def records(self, table: Table, start: Mapping[int, int], end: Mapping[int, int]) -> Iterator[Record]:
        """The changes from `start` to `end`; tombstones are none."""
        for messages in messages_to_end(self._kafka, self.topic(table), start, end):
            for message in messages:
                if message.value() is not None:
                    position = Position(message.partition(), message.offset())
                    yield self._record(table, position, message.value())

    def _record(self, table: Table, position: Position, value: bytes) -> Record:
        envelope, columns = self._schemas.decode(value)
        deleted = envelope["op"] == "d"
        row = envelope["before" if deleted else "after"]
        values = tuple(_value(column, columns.get(column.name), row.get(column.name)) for column in table.columns)
        return Record(position, key_of(table, values), values, deleted)


class Schemas:
    """Writer schemas by id, each fetched once."""

    def __init__(self, registry: RegistryHook) -> None:
        self._registry = registry
        self._known: dict[int, tuple[Any, dict[str, Any]]] = {}

    def decode(self, value: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """The record as its Avro carriers, and the schema of each column."""
        wire = unwrap(value)
        assert wire is not None
        if wire.schema_id not in self._known:
            schema = json.loads(json.dumps(self._registry.schema(wire.schema_id)))
            self._known[wire.schema_id] = fastavro.parse_schema(_without_logical_types(schema)), _columns(schema)
        parsed, columns = self._known[wire.schema_id]
        body = io.BytesIO(wire.body)
        decoded = fastavro.schemaless_reader(body, parsed, None)
        assert isinstance(decoded, dict)
        assert not body.read()
        return decoded, columns


def _columns(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Column → its schema, null taken away."""
    (before,) = (field["type"] for field in envelope["fields"] if field["name"] == "before")
    return {field["name"]: _present(field["type"]) for field in _present(before)["fields"]}


def _present(schema: Any) -> Any:
    return next(part for part in schema if part != "null") if isinstance(schema, list) else schema


def _without_logical_types(schema: Any) -> Any:
    match schema:
        case dict():
            return {name: _without_logical_types(part) for name, part in schema.items() if name != "logicalType"}
        case list():
            return [_without_logical_types(part) for part in schema]
        case _:
            return schema


def _value(column: Column, schema: Any, value: Any) -> Exact:
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(_value(column, _present(schema["items"]), item) for item in value)
    meaning = schema.get("connect.name", "") if isinstance(schema, dict) else ""
    match meaning:
        case "org.apache.kafka.connect.data.Decimal":
            return exact.unscaled(int.from_bytes(value, "big", signed=True), int(schema["connect.parameters"]["scale"]))
        case "io.debezium.time.Date":
            return NO_DAY.get(value, value)
        case "io.debezium.time.ZonedTimestamp":
            return value if value in INFINITE else _instant(value)
        case _:
            return _plain(column, value)


def _plain(column: Column, value: Any) -> Exact:
    match value:
        case bool() | int():
            return value
        case float():
            return exact.from_float32(value) if column.kind.form == "float" else exact.floating(value)
        case bytes():
            return exact.blob(value)
        case _:
            return exact.text(value)


def _instant(value: str) -> Exact:
    try:
        return micros(value)
    except ValueError:
        return f"unreadable: {value}"
