"""The least that a stream does: every change of a topic into the state and changes tables."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import fastavro

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.systems.bundle import Systems
from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.reading import read_to_end

COLUMNS = ("_op", "_lsn", "_kafka_partition", "_offset", "_committed_at")


@dataclass
class Server:
    """Serves one dataset; goes on from where it stopped."""

    systems: Systems
    contract: Contract
    position: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Serves what is new."""
        topic = names.topic(self.contract)
        end = self.systems.kafka.end_offsets(topic)
        rows = [
            self._row(value, batch.partition, offset)
            for batch in read_to_end(self.systems.kafka, topic, self.position, end)
            for offset, value in zip(batch.offsets, batch.values, strict=True)
            if value is not None
        ]
        if rows:
            fields = [f.name for f in self.contract.record.fields]
            client = self.systems.warehouse.client
            database, changes = names.changes_table(self.contract).split(".")
            client.insert(changes, [row[:-1] for row in rows], [*fields, *COLUMNS], database=database)
            database, state = names.state_table(self.contract).split(".")
            client.insert(state, rows, [*fields, *COLUMNS, "_deleted"], database=database)
        self.position = end

    def _row(self, value: bytes, partition: int, offset: int) -> list[Any]:
        wire = unwrap(value)
        assert wire is not None
        schema = fastavro.parse_schema(dict(self.systems.registry.schema(wire.schema_id)))
        event: Any = fastavro.schemaless_reader(io.BytesIO(wire.body), schema, None)
        row, source = event["after"] or event["before"], event["source"]
        fields = [_value(row[f.name]) for f in self.contract.record.fields]
        committed = datetime.fromtimestamp(source["ts_ms"] / 1000, UTC)
        return [*fields, event["op"], source["lsn"], partition, offset, committed, int(event["op"] == "d")]


def _value(value: Any) -> Any:
    """Debezium writes an instant as text; the other types of these tests are Python's already."""
    return datetime.fromisoformat(value) if isinstance(value, str) and value.endswith("Z") else value
