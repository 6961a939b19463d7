"""Contracts made real over all systems at once, on a shop of the test's own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from headrace.contracts import names
from headrace.errors import HeldBack, SystemRefused, SystemUnavailable
from headrace.planning.render import render
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.counter import count_changes
from headrace.systems.kafka.counting import TopicCount
from headrace.systems.kafka.reading import read_to_end
from headrace.systems.platform.applied import AppliedRecord
from headrace.systems.retry import Backoff
from tests.integration.systems.world import AT, ID, NOTE, TOTAL, World

pytestmark = pytest.mark.slow


def _rows_in_kafka(world: World, dataset: str, wanted: int, seconds: float = 60) -> int:
    topic = names.topic(world.contract(dataset))
    deadline = time.monotonic() + seconds
    while True:
        count = count_changes(world.systems.kafka, world.systems.registry.schema, TopicCount(topic))
        if count.rows == wanted or time.monotonic() > deadline:
            return count.rows
        time.sleep(0.5)


def test_contracts_are_made_real_and_follow_their_changes(world: World) -> None:
    world.make_table("orders", rows=30)
    world.make_table("lines", rows=20)  # older than the slot: only a snapshot can bring its rows
    world.declare("orders")
    plan = world.apply()
    assert {change.resource.kind for change in plan.changes} == {
        "lake_table", "warehouse_table", "warehouse_view", "topic", "subject", "connector",
    }  # fmt: skip
    assert [line.split(":")[0].split(" ", 1)[0] for line in world.log] == [
        f"{n}/{len(plan.changes)}" for n in range(1, len(plan.changes) + 1)
    ]
    assert _rows_in_kafka(world, "orders", 30) == 30
    assert world.plan().empty, render(world.plan())  # what Debezium registered is what was planned

    # A column more, in the source and then in the contract, with the connector running.
    world.sql(
        "ALTER TABLE shop.orders ADD COLUMN note text DEFAULT 'n/a'; INSERT INTO shop.orders VALUES (100, 1, now(), 'hi')"
    )
    assert _rows_in_kafka(world, "orders", 31) == 31
    (note,) = world.plan().notes
    assert "note" in note.message
    world.declare("orders", ID, TOTAL, AT, NOTE)
    changed = {change.resource.name for change in world.apply().changes}
    assert {names.raw_table(world.contract("orders")), f"{world.name}.orders_state"} <= changed
    # The rows before have the column's default in the source, and no change said so: their table is read anew, once.
    assert [line for line in world.log if "requested a snapshot of" in line] == [
        f"{world.source}: requested a snapshot of shop.orders"
    ]
    assert world.plan().empty, render(world.plan())

    # A dataset more: the connector goes on, and the rows that the table has already are read.
    world.make_table("empty")
    world.declare("lines")
    world.declare("empty")
    world.apply()
    assert _rows_in_kafka(world, "lines", 20) == 20
    assert world.systems.platform.due_snapshots() == {}
    world.sql("INSERT INTO shop.empty VALUES (1, 1, now()); DELETE FROM shop.lines WHERE id = 7")
    assert _rows_in_kafka(world, "empty", 1) == 1
    assert _rows_in_kafka(world, "lines", 19) == 19
    assert _rows_in_kafka(world, "orders", 31) == 31
    assert world.plan().empty, render(world.plan())

    # No contract, no connector; the data stays.
    for file in (world.folder / world.name).iterdir():
        file.unlink()
    plan = world.apply()
    assert {(c.action, c.resource.name) for c in plan.changes} == {
        ("delete", world.source), ("delete", names.sink_connector(world.name)),
    }  # fmt: skip
    assert world.source not in world.systems.connect.names()
    assert world.systems.warehouse.existing([f"{world.name}.orders"])


def _state(world: World) -> Any:
    systems = world.systems
    return (
        systems.warehouse.rows(
            f"SELECT create_table_query FROM system.tables WHERE database = '{world.name}' ORDER BY 1"
        ),
        sorted(t for t in systems.kafka.partitions() if world.name in t),
        [s for s in systems.registry.subjects() if s.startswith(world.name)],
        systems.connect.config(world.source),
    )


def test_what_would_break_is_held_back_and_the_others_are_applied(world: World) -> None:
    world.make_table("orders", rows=3)
    world.declare("orders")
    world.apply()
    before = _state(world)
    world.make_table("lines", rows=3)
    world.declare("lines")
    world.make_table("twisted")
    world.sql("ALTER TABLE shop.twisted REPLICA IDENTITY DEFAULT")
    world.declare("twisted")  # its source is not as it expects
    world.declare("orders", ID, {**TOTAL, "type": "string"}, AT)
    with pytest.raises(HeldBack) as caught:
        world.apply()
    text = str(caught.value)
    for hit in (
        'field "total"',
        f"{world.name}.orders_state",
        f"{world.name}.orders",
        f"stream_{world.name}",
        "twisted",
    ):
        assert hit in text
    assert not caught.value.retry
    after = _state(world)
    assert set(before[0]) < set(after[0])  # what there was is as it was
    assert (after[3] or {})["table.include.list"] == "shop.lines,shop.orders"
    assert not any("twisted" in str(part) for part in after)
    assert _rows_in_kafka(world, "lines", 3) == 3
    record = AppliedRecord(world.systems.platform).contracts()
    assert sorted(record) == [f"{world.name}.lines", f"{world.name}.orders"]
    assert record[f"{world.name}.orders"] != world.contract("orders")

    # Mended, the next run does the rest.
    world.declare("orders")
    world.sql("ALTER TABLE shop.twisted REPLICA IDENTITY FULL")
    world.apply()
    assert world.plan().empty, render(world.plan())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("ALTER TABLE shop.orders DROP COLUMN total", 'no column for field "total"'),
        ("ALTER TABLE shop.orders REPLICA IDENTITY DEFAULT", "ALTER TABLE shop.orders REPLICA IDENTITY FULL"),
        ("ALTER TABLE shop.orders RENAME TO other", "table shop.orders is not in the source database"),
    ],
)
def test_a_source_that_is_not_as_expected_is_refused_before_anything_is_made(
    world: World, spoil: str, message: str
) -> None:
    world.make_table("orders")
    world.sql(spoil)
    world.declare("orders")
    before = _state(world)
    with pytest.raises(HeldBack, match=message):
        world.apply()
    assert _state(world) == before


def test_one_dataset_alone_is_planned_without_touching_the_others(world: World) -> None:
    for dataset in ("orders", "lines"):
        world.make_table(dataset, rows=2)
        world.declare(dataset)
    only = [f"{world.name}.orders"]
    plan = world.apply(datasets=only)
    assert not any("lines" in str(change.resource) for change in plan.changes)
    assert world.plan(datasets=only).empty
    assert (world.systems.connect.config(world.source) or {})["table.include.list"] == "shop.orders"
    world.apply(datasets=[f"{world.name}.lines"])
    assert (world.systems.connect.config(world.source) or {})["table.include.list"] == "shop.lines,shop.orders"
    assert _rows_in_kafka(world, "lines", 2) == 2
    assert world.plan().empty, render(world.plan())
    with pytest.raises(ValueError, match=f"no contract for nothing; known datasets: {world.name}.lines"):
        world.plan(datasets=["nothing"])


def test_a_table_that_is_added_while_the_first_snapshot_runs_begins_nothing_anew(world: World) -> None:
    rows = 60_000
    world.make_table("orders", rows=rows)
    world.declare("orders")
    world.apply()
    world.make_table("returns", rows=2)
    world.declare("returns")
    world.apply()
    assert _rows_in_kafka(world, "returns", 2) == 2
    kafka, topic = world.systems.kafka, names.topic(world.contract("orders"))
    read = read_to_end(kafka, topic, {}, kafka.end_offsets(topic))
    assert sum(len(batch.values) for batch in read) == rows


def test_a_system_that_is_down_stops_the_plan_before_anything_is_touched(world: World) -> None:
    world.make_table("orders")
    world.declare("orders")
    nowhere = ConnectHook(Endpoint("127.0.0.1", 1), backoff=Backoff(tries=2, first_s=0.01))
    world.systems = replace(world.systems, connect=nowhere)
    with pytest.raises(SystemUnavailable, match=r"connect at http://127\.0\.0\.1:1.*tried 2 times since"):
        world.apply()
    assert not world.systems.warehouse.existing([f"{world.name}.orders"])
    assert world.log == []


def test_a_step_that_fails_holds_back_its_dataset_and_the_next_apply_does_the_rest(world: World) -> None:
    for dataset in ("lines", "orders"):
        world.make_table(dataset, rows=5)
        world.declare(dataset)
    whole = world.systems
    refused = names.topic(world.contract("lines"))
    world.systems = replace(whole, kafka=_Without(whole.kafka, refused))  # type: ignore[arg-type]
    with pytest.raises(HeldBack, match=rf"{world.name}.lines held back: create topic .* failed") as caught:
        world.apply()
    assert caught.value.retry
    assert (whole.connect.config(world.source) or {})["table.include.list"] == "shop.orders"
    assert list(AppliedRecord(whole.platform).contracts()) == [f"{world.name}.orders"]
    assert _rows_in_kafka(world, "orders", 5) == 5
    world.systems = whole
    world.apply()
    assert _rows_in_kafka(world, "lines", 5) == 5
    assert world.plan().empty, render(world.plan())


class _Without:
    """Kafka, but for one topic, which it refuses to make."""

    def __init__(self, hook: Any, refused: str) -> None:
        self._hook, self._refused = hook, refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hook, name)

    def create(self, topic: str, *arguments: Any, **named: Any) -> bool:
        if topic == self._refused:
            raise SystemRefused("kafka", "here", "no room for it")
        return bool(self._hook.create(topic, *arguments, **named))
