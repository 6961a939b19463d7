"""Events and upserts on the live stack: from two contract files to the rows of the lake and of the warehouse."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.services.status.observe import observe
from headrace.services.status.overview import overview
from headrace.services.status.jobs import Dags
from headrace.streaming.datasets import served
from headrace.streaming.decode import DeadLetter
from headrace.streaming.patience import Patience
from headrace.streaming.reading import Range, RangeReader
from headrace.streaming.registry import Writers
from headrace.streaming.serving import ChangeServing
from headrace.streaming.sink import Sink
from headrace.systems.warehouse import state
from include.stack.logins import kafka_options
from tests.integration.systems.world import AT, ID, NOTE, World
from tests.support.waiting import wait_for

GONE = {"name": "gone", "field-id": 5, "type": "boolean", "default": False, "doc": "Whether deleted."}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVENTS = "{kind: ingest}"
PEOPLE = "{kind: ingest, changes: upsert, version: at, deleted: gone}"


class Producer:
    """Writes records of a dataset with the schemas that were applied."""

    def __init__(self, world: World, contract: Contract) -> None:
        self._systems, self._topic = world.systems, names.topic(contract)
        found = [world.systems.registry.latest(subject) for subject in names.subjects(contract)]
        self._key, self._value = [(each.id, fastavro.parse_schema(dict(each.schema))) for each in found if each]

    def put(self, *records: dict[str, Any], partition: int = 0) -> None:
        producer = self._systems.kafka.producer()
        for record in records:
            key = _framed(*self._key, {"id": record["id"]})
            producer.produce(self._topic, _framed(*self._value, record), key, partition=partition)
        assert producer.flush(30) == 0


def _framed(schema_id: int, schema: Any, record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO(struct.pack(">bI", 0, schema_id))
    buffer.seek(5)
    fastavro.schemaless_writer(buffer, schema, record)
    return buffer.getvalue()


class DeadLetters(list[DeadLetter]):
    """The dead letters that were written."""

    def write(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.extend(dead_letters)


@pytest.fixture
def stream(stack: Any, world: World) -> Iterator[Callable[[Contract], list[DeadLetter]]]:
    """`stream(contract)`: everything in the dataset's topic is served; the dead letters."""
    s = stack.settings
    reader = RangeReader(world.systems.kafka.address, kafka_options(s, "streams"))
    registry = world.endpoints.registry
    writers = Writers.at(f"http://{registry.host}:{registry.port}{registry.extra['path']}", registry.login or "", registry.password or "")

    def run(contract: Contract) -> list[DeadLetter]:
        dead = DeadLetters()
        handler = ChangeServing([served(contract)], writers, Sink(stack.clickhouse), dead, Patience(30, lambda _: None))
        topic = names.topic(contract)
        ends = world.systems.kafka.end_offsets(topic)
        for part in reader.slices({(topic, partition): Range(0, end) for partition, end in ends.items() if end}):
            done = handler.serve(part.records)
            assert not done.held, done.held
        return dead

    yield run
    reader.close()


def event(key: int, note: str | None = None, at: int = 0) -> dict[str, Any]:
    return {"id": key, "at": NOON + timedelta(seconds=at), "note": note}


def test_a_repeated_event_is_one_row_and_every_stage_counts_its_records(
    world: World, stream: Callable[[Contract], list[DeadLetter]]
) -> None:
    world.declare("clicks", ID, AT, NOTE, source=EVENTS)
    world.apply()
    clicks = world.contract("clicks")
    producer = Producer(world, clicks)
    producer.put(event(1, "first"), event(2), event(1, "again"))
    stream(clicks)
    producer.put(event(2), event(3))
    assert stream(clicks) == []
    assert stream(clicks) == [], "a stream that starts again serves everything again"

    view = f"SELECT id, note FROM {names.view(clicks)} ORDER BY id"
    assert world.systems.warehouse.rows(view) == [(1, "first"), (2, None), (3, None)]
    assert world.systems.warehouse.count_final(names.changes_table(clicks)) == 5
    wait_for(lambda: world.systems.lake.records(names.raw_table(clicks)), 5, 60)
    seen = observe(world.systems, [clicks], lambda: Dags())
    (stages,) = overview(seen, [clicks], {}).datasets
    hops = {hop: (cell.rows, cell.changes) for hop, cell in stages.hops.items()}
    assert hops == {"kafka": (5, 5), "raw": (5, None), "warehouse": (3, 5)}
    assert stages.fresh_p95_s is not None
    assert [reason.why for reason in stages.reasons if reason.hop == "kafka"] == []
    assert world.plan().empty


def test_the_newest_version_of_a_key_is_served_in_any_order_of_arrival_and_a_marked_one_is_gone(
    world: World, stream: Callable[[Contract], list[DeadLetter]]
) -> None:
    world.declare("people", ID, AT, NOTE, GONE, source=PEOPLE)
    world.apply()
    people = world.contract("people")
    producer = Producer(world, people)
    producer.put(
        {**event(1, "new", 9), "gone": False},
        {**event(1, "old", 3), "gone": False},
        {**event(2, "here", 1), "gone": False},
        {**event(2, None, 2), "gone": True},
        {**event(3, None, 8), "gone": True},
        {**event(3, "late", 7), "gone": False},
        {**event(4, "tie", 5), "gone": False},
        {**event(4, "later", 5), "gone": False},
    )
    assert stream(people) == []
    view = f"SELECT id, note FROM {names.view(people)} ORDER BY id"
    assert world.systems.warehouse.rows(view) == [(1, "new"), (4, "later")]
    assert world.systems.warehouse.count_final(names.changes_table(people)) == 8


def test_events_that_the_last_version_served_are_there_after_the_next_apply(world: World) -> None:
    """Version 0.1 had one table of events, by position; its view read that table, with repeats."""
    world.declare("taps", ID, AT, NOTE, source="{kind: event}")
    taps = world.contract("taps")
    warehouse = world.systems.warehouse
    wanted = [r for r in desired([taps], world.settings) if r.kind == "warehouse_table" and r.name == names.changes_table(taps)]
    for change in diff(wanted, ()).changes:
        state.apply(warehouse, change)
    view, changes = names.view(taps), names.changes_table(taps)
    warehouse.execute(f"CREATE VIEW {view} AS SELECT id, at, note FROM {changes} FINAL")
    warehouse.execute(
        f"INSERT INTO {changes} (id, at, note, _kafka_partition, _offset, _committed_at)"
        " SELECT number % 3, toDateTime64('2026-01-01 00:00:00', 6, 'UTC'), toString(number), 0, number,"
        " toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number FROM numbers(7)"
    )
    assert warehouse.count(view) == 7
    plan = world.apply()
    assert any("write kind: ingest" in note.message for note in plan.notes)
    assert warehouse.rows(f"SELECT id, note FROM {view} ORDER BY id") == [(0, "0"), (1, "1"), (2, "2")]
    assert warehouse.count(changes) == 7
    assert world.plan().empty
