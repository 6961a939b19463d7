"""How long changes wait, hop by hop: in the source's log while nobody reads it, then in Kafka while nobody serves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from headrace.services.status.freshness import FreshnessWatch
from headrace.services.status.late import Waiting
from tests.integration.systems.world import World

pytestmark = pytest.mark.slow
INSERT = "INSERT INTO shop.orders VALUES (%s, 1, now())"
PROMISE = "slaProperties: [{property: freshness, value: 2, unit: s, element: orders.at}]\n"


@pytest.fixture
def watch(world: World) -> FreshnessWatch:
    """A watch over a world with one dataset, two seconds promised, its connector running, and no stream."""
    world.zones = "quarantine"
    world.make_table("orders", rows=3)
    world.declare("orders")
    terms = world.folder / world.name / "orders.odcs.yaml"
    terms.write_text(terms.read_text() + PROMISE)
    world.apply()
    world.systems.connect.wait(world.source, "RUNNING")
    systems = world.systems
    return FreshnessWatch(
        systems.platform, systems.warehouse, systems.kafka, systems.registry, systems.sources, str(world.folder),
        world.log.append,
    )  # fmt: skip


def read_until(measure: Callable[[], Waiting], wanted: Callable[[Waiting], Any], seconds: float = 60) -> Waiting:
    deadline = time.monotonic() + seconds
    while not wanted(found := measure()):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


def test_changes_are_seen_to_wait_where_they_wait(world: World, watch: FreshnessWatch) -> None:
    dataset = f"{world.name}.orders"
    platform, topic = world.systems.platform, f"{world.name}.shop.orders"

    def measure() -> Waiting:
        return watch.poll()[dataset]

    deadline = time.monotonic() + 60
    while sum(world.systems.kafka.end_offsets(topic).values()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert measure() == Waiting()  # the snapshot's rows were there before anybody looked
    world.systems.connect.stop(world.source)
    world.systems.connect.wait(world.source, "STOPPED")
    assert measure().source_s is None
    world.sql(INSERT, 10)
    waits = read_until(measure, lambda found: found.source_s)
    assert waits.kafka_s is None
    assert platform.open_alerts() == ()
    world.systems.connect.resume(world.source)
    world.systems.connect.wait(world.source, "RUNNING")
    waits = read_until(measure, lambda found: found.source_s is None and (found.kafka_s or 0) > 2.0)
    read_until(measure, lambda _: platform.open_alerts())
    (alert,) = platform.open_alerts()
    assert (alert.key, alert.severity, alert.dataset) == (f"late:{dataset}", "warning", dataset)
    assert "wait in Kafka and are not served" in alert.text

    # It is served, long after its commit: late while that was just now, in time again when it was a minute ago.
    def serve(age_s: int) -> None:
        world.systems.warehouse.execute(
            f"INSERT INTO {world.name}.orders_changes (id, total, at, _op, _kafka_partition, _offset, _committed_at, _inserted_at)"
            f" SELECT 10, 1, now64(6), 'c', 0, {served - 1}, now64(6) - {age_s + 9}, now64(6) - {age_s}"
        )

    served = world.systems.kafka.end_offsets(topic)[0]
    serve(0)
    assert measure().served_s is not None
    world.systems.warehouse.execute(f"TRUNCATE TABLE {world.name}.orders_changes")
    serve(120)
    read_until(measure, lambda found: found == Waiting())
    read_until(measure, lambda _: not platform.open_alerts())
