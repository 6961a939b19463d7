"""Gaps in raw: made on a live sink, found by comparing offsets, and no gap where an offset holds no record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from headrace.contracts import names
from headrace.planning.topics import sink_dead_letter_topic
from headrace.services.connectors.missed_deletes import Progress
from headrace.services.dead_letters.ledger import DeadLetterLedger
from headrace.services.dead_letters.quarantine import TABLE as QUARANTINE
from headrace.services.dead_letters.quarantine import Quarantine
from headrace.services.dead_letters.replay import Replay
from headrace.services.dead_letters.selection import Selection
from headrace.services.proving import operators
from headrace.services.proving.ledger import GapLedger
from headrace.services.proving.operators import ProveGapsOperator
from headrace.services.proving.proof import raw_offsets, sink_offsets
from headrace.streaming.replay.job import Places
from headrace.systems.kafka.reading import read_to_end
from tests.integration.systems.serving import Server
from tests.integration.systems.world import World
from tests.support.waiting import wait_until
from tests.support.watching import airflow_connections

pytestmark = pytest.mark.slow

WIDE = (0, 1 << 40)


class Landing:
    """A world whose orders are landed by a sink, and what a test does to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.systems = world.systems
        self.ledger = GapLedger(world.systems.platform)
        self.sink = names.sink_connector(world.name)
        self.contract = world.contract("orders")
        self.topic = names.topic(self.contract)
        self.table = names.raw_table(self.contract)

    @property
    def alerts(self) -> dict[str, str]:
        return {a.key: a.text for a in self.systems.platform.open_alerts() if a.key.startswith("gap:")}

    def raw(self) -> set[int]:
        return raw_offsets(self.systems.lake, self.table, 0, *WIDE)

    def valued(self) -> list[int]:
        """Offsets of the topic's records with a value."""
        found = read_to_end(self.systems.kafka, self.topic, {}, self.systems.kafka.end_offsets(self.topic))
        return [o for b in found for o, v in zip(b.offsets, b.values, strict=True) if v is not None]

    def prove(self, **options: Any) -> list[str]:
        operator = ProveGapsOperator(task_id="prove", schemas=str(self.world.folder), settle_s=8.0, **options)
        return operator.execute({}).get(self.contract.id, [])

    def write(self, *ids: int) -> list[int]:
        """Insert rows; the offsets of their records."""
        before = len(self.valued())
        for number in ids:
            self.world.sql(f"INSERT INTO shop.orders VALUES ({number}, 1.25, '2024-05-05Z')")
        wait_until(lambda: len(self.valued()) == before + len(ids))
        return self.valued()[before:]

    def rows(self, *offsets: int) -> int:
        among = ", ".join(map(str, offsets))
        return int(self.systems.lake.need(self.table).scan(f"_offset in ({among})").count())

    def replay(self) -> dict[str, int]:
        """Land the dead letters of gaps; how many by their refuser."""
        place = self.world.endpoints
        where = {
            "registry": place.registry,
            "lake": place.lake,
            "warehouse": place.warehouse,
            "platform": place.platform,
        }
        places = Places(where, self.world.folder, ())
        dead_letters = DeadLetterLedger(self.systems.platform)
        outcome = Replay(dead_letters, Quarantine(places.lake), places.destination).run(Selection({"rule": "gap"}))
        assert not outcome.problems
        return outcome.replayed

    def expire(self) -> None:
        """Kafka removes every record of the topic."""
        kafka, place = self.systems.kafka, TopicPartition(self.topic, 0)
        place.offset = kafka.end_offsets(self.topic)[0]
        kafka.admin.delete_records([place])[place].result()
        wait_until(lambda: kafka.begin_offsets(self.topic)[0] == place.offset)

    def stop(self) -> None:
        self.systems.connect.stop(self.sink)
        self.systems.connect.wait(self.sink, "STOPPED")

    def resume(self) -> None:
        self.systems.connect.resume(self.sink)
        self.systems.connect.wait(self.sink, "RUNNING")

    def seek(self, offset: int) -> None:
        """The stopped sink goes on there."""
        place = {"kafka_topic": self.topic, "kafka_partition": 0}
        body = {"offsets": [{"partition": place, "offset": {"kafka_offset": offset}}]}
        self.systems.connect._http.call("PATCH", f"/connectors/{self.sink}/offsets", body=body)


@pytest.fixture
def landing(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landing]:
    world.make_table("orders", rows=20)
    world.declare("orders")
    world.apply()
    airflow_connections(world, monkeypatch)
    found = Landing(world)
    wait_until(lambda: len(found.raw()) == 20)
    yield found
    lake = (
        found.systems.lake
    )  # the dead letters of this world are in a ledger of its own, and in the quarantine of the stack
    lake.call(lambda: lake.need(QUARANTINE).delete(f"topic = '{found.topic}'"))


def test_a_sink_whose_login_the_registry_rejects_stops_with_the_reason(landing: Landing) -> None:
    """No good record becomes a dead letter while its password is wrong; all land once it is right."""
    kafka, connect = landing.systems.kafka, landing.systems.connect
    dead_letters = sink_dead_letter_topic(landing.world.name)
    config, before = connect.config(landing.sink), kafka.end_offsets(dead_letters)
    assert config
    stranger = {f"{part}.converter.apicurio.auth.password": "wrong" for part in ("key", "value")}
    connect.put(landing.sink, {**config, **stranger})
    offsets = landing.write(100, 101)
    wait_until(lambda: "does not let Kafka Connect in" in str(connect.status(landing.sink)))
    connect.put(landing.sink, config)
    wait_until(lambda: set(offsets) <= landing.raw())
    assert kafka.end_offsets(dead_letters) == before


def test_gaps_are_found_named_and_closed_and_other_offsets_are_none(landing: Landing) -> None:
    world, kafka = landing.world, landing.systems.kafka
    world.sql("UPDATE shop.orders SET total = 7 WHERE id = 2; DELETE FROM shop.orders WHERE id = 3")
    garbage = offsets_without_a_row(landing)
    after = landing.write(100)
    wait_until(lambda: landing.raw() == {o for o in landing.valued() if o != garbage})
    assert len(landing.raw()) < len(range(after[0] + 1)) - 1, "markers, a tombstone and an aborted record"
    deleted = sorted(landing.raw())[5]
    landing.systems.lake.need(landing.table).delete(f"_offset = {deleted}")

    (only,) = landing.prove()
    assert only == f"{landing.topic} partition 0 offset {deleted} (1 missing)"
    assert only in landing.alerts[f"gap:{landing.contract.id}"]
    proven = landing.ledger.proven(landing.topic)
    assert proven == {
        0: min(
            sink_offsets(landing.systems.connect, landing.sink, landing.topic)[0], kafka.end_offsets(landing.topic)[0]
        )
    }
    assert proven[0] > after[0]

    landing.stop()
    skipped = landing.write(101, 102, 103)
    landing.seek(skipped[-1] + 1)
    landing.resume()
    last = landing.write(104)
    wait_until(lambda: last[0] in landing.raw())
    found = landing.prove()
    assert found[1:] == [f"{landing.topic} partition 0 offsets {skipped[0]} to {skipped[-1]} (3 missing)"]

    landing.stop()
    landing.seek(skipped[0])
    landing.resume()
    wait_until(lambda: set(skipped) <= landing.raw())
    assert landing.prove() == [only], "what is there again is none"
    assert landing.replay() == {landing.sink: 4}
    assert landing.raw() == {o for o in landing.valued() if o != garbage}
    assert landing.rows(deleted, *skipped) == 4, "each once, also what the sink and the replay both landed"
    assert landing.prove() == []
    assert landing.alerts == {}


def offsets_without_a_row(landing: Landing) -> int:
    """An aborted record, and one that the sink refuses; the offset of the latter."""
    producer = landing.systems.kafka.producer(**{"transactional.id": landing.world.name})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(landing.topic, b"aborted", b"key")
    producer.flush()
    producer.abort_transaction()
    offsets: list[int] = []
    plain = landing.systems.kafka.producer()
    plain.produce(
        landing.topic, b"garbage", b"key", on_delivery=lambda error, message: offsets.append(message.offset())
    )
    assert plain.flush(30) == 0
    return offsets[0]


def test_a_sink_that_fell_behind_the_retention_is_reported_and_its_table_is_reread(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    systems = landing.systems
    assert landing.prove() == []
    landing.stop()
    unread = landing.write(100, 101)
    landing.expire()
    (lost,) = landing.prove()
    assert lost.startswith(f"{landing.topic} partition 0 offset")
    assert "lost" in lost
    (gap,) = (found.gap for found in landing.ledger.open(landing.contract.id))
    assert gap.first <= unread[0] <= unread[-1] <= gap.last
    assert gap.records >= 2
    assert lost in landing.alerts[f"gap:{landing.contract.id}"]

    assert landing.prove(accepted=[landing.contract.id]) == []
    landing.write(102)
    landing.expire()
    assert "lost" in landing.prove()[0]

    landing.resume()
    server = Server(systems, landing.contract)
    progress = Progress(60, 0.1, lambda seconds: server.run())
    whole = operators.heal
    monkeypatch.setattr(operators, "heal", lambda *given: whole(*given, progress=progress))
    assert landing.prove() == []
    assert landing.alerts == {}
    wait_until(lambda: {100, 101, 102} <= ids(landing))


def ids(landing: Landing) -> set[int]:
    scan = landing.systems.lake.need(landing.table).scan(selected_fields=("id",))
    return set(scan.to_arrow()["id"].to_pylist())
