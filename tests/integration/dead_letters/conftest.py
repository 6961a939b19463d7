"""Records that cannot be read, made out of records that Debezium wrote, and schemas that come later."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
import psycopg
import pytest

from headrace.services.dead_letters.ledger import DeadLetterLedger
from headrace.systems.kafka.avro_blocks import unwrap
from headrace.systems.kafka.reading import messages_to_end
from tests.conftest import Stack
from tests.integration.pipeline.conftest import eventually, new_id, oltp, raw, warehouse
from tests.support.schema_ids import schema_ids

__all__ = ["eventually", "new_id", "oltp", "raw", "warehouse"]

_subjects = itertools.count(time.time_ns())


@pytest.fixture(autouse=True)
def exclusive_schema_ids(stack: Stack) -> Iterator[None]:
    """Nobody else registers schemas meanwhile: `CapturedRecord.later` predicts the next ids."""
    with schema_ids(stack, exclusive=True):
        yield


@dataclass(frozen=True)
class LateSchema:
    """A schema that records are written with before the registry has it."""

    stack: Stack
    id: int
    schema: Mapping[str, Any]

    def write(self, event: Mapping[str, Any]) -> bytes:
        """In the wire format."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(dict(self.schema)), dict(event))
        return b"\0" + self.id.to_bytes(4, "big") + out.getvalue()

    def register(self) -> None:
        """The registry gives ids in order: others are registered until it is this one's turn."""
        found = 0
        while found < self.id - 1:
            found = register(self.stack, {"type": "record", "name": f"Filler{next(_subjects)}", "fields": []})
        assert register(self.stack, self.schema) == self.id


def register(stack: Stack, schema: Mapping[str, Any]) -> int:
    return stack.systems.registry.register(f"dead-letters-{next(_subjects)}", schema)


@dataclass(frozen=True)
class CapturedRecord:
    """A record as Debezium wrote it."""

    key: bytes
    event: dict[str, Any]
    schema: dict[str, Any]
    offset: int

    def later(self, stack: Stack, ahead: int = 4) -> LateSchema:
        """The same schema with a field more, under an id that is not given yet."""
        schema = json.loads(json.dumps(self.schema))
        name = f"late_{next(_subjects)}"
        schema["fields"].append({"name": name, "type": ["null", "string"], "default": None})
        last = register(stack, {"type": "record", "name": f"Filler{next(_subjects)}", "fields": []})
        return LateSchema(stack, last + ahead, schema)


@pytest.fixture
def captured(stack: Stack, eventually: Callable[..., Any]) -> Callable[..., CapturedRecord]:
    """`captured(topic, matches)`: the newest record of the topic whose row after the change matches."""

    def newest(topic: str, start: int, matches: Callable[[Mapping[str, Any]], bool]) -> CapturedRecord | None:
        kafka, found = stack.systems.kafka, None
        for messages in messages_to_end(kafka, topic, {0: start}, kafka.end_offsets(topic)):
            for message in messages:
                wire = unwrap(message.value() or b"")
                schema = stack.systems.registry.schema(wire.schema_id) if wire else None
                if wire is None or schema is None:
                    continue
                event: Any = fastavro.schemaless_reader(
                    io.BytesIO(wire.body), fastavro.parse_schema(dict(schema)), None
                )
                if event["after"] is not None and matches(event["after"]):
                    found = CapturedRecord(message.key(), event, dict(schema), message.offset())
        return found

    def find(topic: str, matches: Callable[[Mapping[str, Any]], bool]) -> CapturedRecord:
        start = max(0, stack.systems.kafka.end_offsets(topic).get(0, 0) - 50)
        found: list[CapturedRecord | None] = [None]

        def there() -> bool:
            found[0] = newest(topic, start, matches)
            return found[0] is not None

        eventually(there, True)
        assert found[0] is not None
        return found[0]

    return find


@pytest.fixture
def produce(stack: Stack) -> Callable[..., int]:
    """`produce(topic, key, value)`: put a record into a topic as it is; its offset."""

    def put(topic: str, key: bytes | None, value: bytes) -> int:
        offsets: list[int] = []
        producer = stack.systems.kafka.producer()
        producer.produce(topic, value, key, on_delivery=lambda error, message: offsets.append(message.offset()))
        assert producer.flush(30) == 0
        return offsets[0]

    return put


@dataclass(frozen=True)
class DeadLetters:
    """Dead letters by way of Airflow, and what the ledger says."""

    stack: Stack
    eventually: Callable[..., Any]

    @property
    def ledger(self) -> DeadLetterLedger:
        return DeadLetterLedger(self.stack.systems.platform)

    def run(self, dag: str, **params: Any) -> str:
        """A run to its end; the replay task's log."""
        run = self.stack.airflow.trigger(dag, params)
        self.stack.airflow.wait_for_run(dag, run, 240, lambda line: None)
        return self.stack.airflow.task_log(dag, run, "replay" if dag == "replay_dead_letters" else "collect")

    def states(self, topic: str, offset: int) -> dict[str, str]:
        """Refuser → state of the dead letter of a record."""
        query = "SELECT refused_by, state FROM dead_letters WHERE topic = %s AND kafka_offset = %s"
        with psycopg.connect(self.stack.superuser_dsn("headrace")) as connection:
            return dict(connection.execute(query, [topic, offset]).fetchall())

    def collected(self, topic: str, offset: int, *refusers: str) -> None:
        """Collect until the record's dead letters are there; the sink refuses when it gets to it."""

        def there() -> bool:
            if set(self.states(topic, offset)) != set(refusers):
                self.run("collect_dead_letters")
            return set(self.states(topic, offset)) == set(refusers)

        self.eventually(there, True, 120)

    def alerts(self) -> set[str]:
        return {a.key for a in self.stack.systems.platform.open_alerts() if a.key.startswith("dead_letters:")}

    def kept(self, topic: str, offset: int) -> list[dict[str, Any]]:
        """Rows of the quarantine."""
        table = self.stack.systems.lake.catalog.load_table("quarantine.platform_dead_letters")
        found = table.scan(row_filter=f"topic = '{topic}' and kafka_offset = {offset}").to_arrow().to_pylist()
        return sorted(found, key=lambda row: str(row["refused_by"]))


@pytest.fixture
def dead_letters(stack: Stack, eventually: Callable[..., Any]) -> Iterator[DeadLetters]:
    for dag in ("collect_dead_letters", "replay_dead_letters"):
        stack.airflow.pause(dag, False)
    yield DeadLetters(stack, eventually)
    stack.airflow.pause("replay_dead_letters", True)
