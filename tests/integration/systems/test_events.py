"""Events and upserts on the live stack: from two contract files to the rows of the lake and of the warehouse."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pytest

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.desired import desired
from headrace.planning.diff import diff
from headrace.services.serving.from_raw import FromRaw
from headrace.services.status.jobs import Dags
from headrace.services.status.observe import observe
from headrace.services.status.overview import overview
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
    writers = Writers.at(
        f"http://{registry.host}:{registry.port}{registry.extra['path']}", registry.login or "", registry.password or ""
    )

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
    warehouse, changes = world.systems.warehouse, names.changes_table(people)
    view = f"SELECT id, note FROM {names.view(people)} ORDER BY id"
    assert warehouse.rows(view) == [(1, "new"), (4, "later")]
    assert warehouse.count_final(changes) == 8

    for table in names.stream_tables(people):
        warehouse.execute(f"TRUNCATE TABLE {table}")
    FromRaw(world.systems.kafka, world.systems.lake, warehouse).serve(people, print)
    assert warehouse.rows(view) == [(1, "new"), (4, "later")]
    assert warehouse.count_final(changes) == 8


def typed(name: str, number: int, avro: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "field-id": number, "type": avro, "doc": name.title(), **more}


INSTANT = {"type": "long", "logicalType": "timestamp-micros"}
EVERY_TYPE = (
    ID,
    typed("flag", 2, "boolean"),
    typed("small", 3, "int"),
    typed("ratio", 4, "float"),
    typed("share", 5, "double"),
    typed("blob", 6, "bytes"),
    typed("price", 7, {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}),
    typed("day", 9, {"type": "int", "logicalType": "date"}),
    typed("clock", 10, {"type": "int", "logicalType": "time-millis"}),
    typed("tick", 11, {"type": "long", "logicalType": "time-micros"}),
    typed("seen", 12, {"type": "long", "logicalType": "timestamp-millis"}),
    typed("at", 13, INSTANT),
    typed("who", 14, {"type": "string", "logicalType": "uuid"}),
    typed("hash", 15, {"type": "fixed", "name": "Hash", "size": 4}),
    typed("size", 16, {"type": "enum", "name": "Size", "symbols": ["S", "L"]}),
    typed("times", 17, {"type": "array", "items": ["null", INSTANT], "element-id": 18}),
    typed("counts", 19, {"type": "map", "values": "long", "key-id": 20, "value-id": 21}),
    typed("place", 22, {"type": "record", "name": "Place", "fields": [typed("label", 23, "string"), typed("since", 24, INSTANT)]}),
    typed("left", 25, ["null", INSTANT], default=None),
    typed("shop", 26, ["string", "null"], default="web"),
)  # fmt: skip
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)


def every_type(key: int, **changed: Any) -> dict[str, Any]:
    return {
        "id": key, "flag": True, "small": -(2**31), "ratio": 0.1, "share": 0.1, "blob": b"\x00\xff",
        "price": Decimal("-12345678901234567890123456789.123456789"),
        "day": date(1900, 1, 1), "clock": time(23, 59, 59, 999_000), "tick": time(23, 59, 59, 999_999),
        "seen": NOON + timedelta(milliseconds=1), "at": NOON + timedelta(microseconds=1),
        "who": "0f8fad5b-d9cb-469f-a165-70867728950e", "hash": b"\x00\x01\xfe\xff", "size": "L",
        "times": [FIRST, None, LAST], "counts": {"a": 2**63 - 1, "": 0},
        "place": {"label": "", "since": LAST}, "left": None, "shop": None, **changed,
    }  # fmt: skip


def test_every_type_is_carried_exactly_in_both_lanes_and_what_cannot_be_is_a_dead_letter(
    world: World, stream: Callable[[Contract], list[DeadLetter]]
) -> None:
    world.declare("things", *EVERY_TYPE, source=EVENTS)
    world.apply()
    things = world.contract("things")
    far = 400_000_000_000_000_000
    sent = [every_type(1), every_type(2, at=FIRST, left=LAST, shop="till", times=[], counts={})]
    Producer(world, things).put(sent[0], every_type(3, who="1-1-1-1-1"), every_type(4, at=far), sent[1])

    dead = stream(things)
    assert {letter.offset: letter.rule for letter in dead} == {1: "record", 2: "out-of-range"}
    wait_for(lambda: world.systems.lake.records(names.raw_table(things)), 2, 60)
    scan = world.systems.lake.catalog.load_table(names.raw_table(things)).scan()
    landed = sorted(scan.to_arrow().to_pylist(maps_as_pydicts="strict"), key=lambda row: row["id"])
    texts = ("id", "price", "at", "seen", "left", "shop", "size", "times", "who")
    query = f"SELECT {', '.join(f'`{name}`' for name in texts)} FROM {names.view(things)} ORDER BY id"
    found = world.systems.warehouse.client.query_arrow(query).to_pylist()
    for record, in_lake, in_warehouse in zip(sent, landed, found, strict=True):
        assert {name: _plain(in_lake[name]) for name in record} == {
            name: _plain(value) for name, value in record.items()
        }
        assert {name: _plain(in_warehouse[name]) for name in texts} == {name: _plain(record[name]) for name in texts}
    refused = world.systems.kafka.end_offsets(names.dead_letter_topic(names.sink_connector(world.name)))
    assert sum(refused.values()) == 2


def _plain(value: Any) -> Any:
    """Return a value in one form, in whatever form a client returns it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float):
        return struct.unpack("f", struct.pack("f", value))[0]
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def test_events_that_the_last_version_served_are_there_after_the_next_apply(world: World) -> None:
    """Version 0.1 had one table of events, by position; its view read that table, with repeats."""
    world.declare("taps", ID, AT, NOTE, source="{kind: event}")
    taps = world.contract("taps")
    warehouse = world.systems.warehouse
    wanted = [
        r
        for r in desired([taps], world.settings)
        if r.kind == "warehouse_table" and r.name == names.changes_table(taps)
    ]
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
