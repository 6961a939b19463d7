"""Connectors on a live worker: steering them, watching them, repairing them.

One world serves all tests. Each leaves its connector running and no alert open, but for the last, which deletes it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headrace.errors import SystemFailure, SystemRefused
from headrace.services.connectors.operators import KeepConnectorsOperator, SteerConnectorOperator
from headrace.services.connectors.snapshots import take_due
from headrace.services.connectors.watch import snapshot_done
from headrace.systems.connect.hook import ConnectHook
from tests.integration.systems.building import new_world
from tests.integration.systems.world import World
from tests.support.waiting import wait_until
from tests.support.watching import airflow_connections, deferred, event_of, meanwhile

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with its source connector running; no sink, which these tests do not need."""
    with new_world(stack, tmp_path_factory.mktemp("connect")) as world:
        world.zones = "quarantine"
        world.make_table("orders", rows=3)
        world.declare("orders")
        world.apply()
        world.systems.connect.wait(world.source, "RUNNING")
        yield world


@pytest.fixture
def airflow(running: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Airflow's connections in the environment."""
    airflow_connections(running, monkeypatch)
    return running


def test_a_faulty_configuration_is_refused_with_the_fault(running: World) -> None:
    config = running.systems.connect.config(running.source) or {}
    with pytest.raises(SystemRefused, match=r"400: .*poll\.interval\.ms"):
        running.systems.connect.put(running.source, {**config, "poll.interval.ms": "soon"})


@pytest.fixture
def broken(airflow: World) -> Iterator[World]:
    """The connector's task has failed: its role may no longer read the database's log."""
    hook = airflow.systems.connect
    config = hook.config(airflow.source) or {}
    hook.stop(airflow.source)
    hook.wait(airflow.source, "STOPPED")
    airflow.sql(f"DROP PUBLICATION headrace_{airflow.name}")
    hook.put(airflow.source, {**config, "errors.max.retries": "0"})
    hook.resume(airflow.source)
    wait_until(lambda: _has_failed(airflow))
    yield airflow
    hook.put(airflow.source, config)
    hook.wait(airflow.source, "RUNNING")


def _has_failed(world: World) -> bool:
    status = world.systems.connect.status(world.source)
    return bool(status and status.failures)


def test_a_failed_task_is_reported_and_restarted_then_alerted_then_recovers(broken: World) -> None:
    operator = KeepConnectorsOperator(
        task_id="keep", schemas=str(broken.folder), restarts=1, first_wait_s=0.1, calm_s=1.0, poll_s=0.2
    )
    platform = broken.systems.platform
    watch = deferred(operator.execute, {})
    event = event_of(**watch["trigger"])
    assert (event["event"], event["connectors"], event["slot_lost"]) == ("failed", [broken.source], [])
    assert event["message"].startswith(f"task 0 of connector {broken.source} failed: ")
    assert event["message"].endswith(
        "Publication autocreation is disabled, please create one and restart the connector."
    )
    assert json.loads(json.dumps(event)) == event
    with pytest.raises(SystemFailure, match=f"connector {broken.source} failed"):
        broken.systems.connect.wait(broken.source, "RUNNING", 5)
    watch = deferred(operator.on_event, {}, event, watch["trouble"])
    assert watch["trouble"]["restarts"] == {broken.source: 1}
    assert platform.open_alerts() == ()
    wait_until(lambda: _has_failed(broken))
    with pytest.raises(SystemFailure, match=r"It failed again after 1 restarts\."):
        operator.on_event({}, event_of(**watch["trigger"]), watch["trouble"])  # type: ignore[arg-type]
    (alert,) = platform.open_alerts()
    assert (alert.key, alert.severity) == (f"connector:{broken.source}", "error")

    broken.sql(f"CREATE PUBLICATION headrace_{broken.name} FOR TABLES IN SCHEMA shop")
    watch = deferred(operator.execute, {})
    watch = deferred(operator.on_event, {}, event_of(**watch["trigger"]), watch["trouble"])
    watch = deferred(operator.on_event, {}, event_of(**watch["trigger"]), watch["trouble"])
    assert watch["trouble"]["restarts"] == {}
    assert platform.open_alerts() == ()


def test_a_missing_connector_is_reported(airflow: World) -> None:
    event = event_of(connectors=[airflow.source, "nothing-like-it"])
    assert (event["event"], event["connectors"]) == ("missing", ["nothing-like-it"])


def test_a_slot_that_falls_behind_is_reported_and_then_that_it_has_caught_up(airflow: World) -> None:
    hook, slot = airflow.systems.connect, f"headrace_{airflow.name}"
    hook.stop(airflow.source)
    hook.wait(airflow.source, "STOPPED")
    airflow.sql("INSERT INTO shop.orders SELECT n, 1, now() FROM generate_series(1000, 60000) n")
    watch = {"connectors": [airflow.source], "slots": {slot: f"{airflow.name}_default"}, "behind_bytes": 3_000_000}
    event = event_of(**watch)
    assert (event["event"], event["slot"]) == ("slot-behind", slot)
    hook.resume(airflow.source)
    hook.wait(airflow.source, "RUNNING")
    with _life(airflow):
        assert event_of(120, **watch, behind=[slot])["event"] == "slot-caught-up"


@contextmanager
def _life(world: World) -> Iterator[None]:
    """A row now and then: while nothing is captured, the rest of the server's log counts as lag."""

    def insert(over: threading.Event) -> None:
        number = 100_000
        while not over.wait(1.0):
            world.sql(f"INSERT INTO shop.orders VALUES ({number}, 1, now())")
            number += 1

    with meanwhile(insert):
        yield


def test_a_watch_without_trouble_ends_in_its_time(airflow: World) -> None:
    assert event_of(connectors=[airflow.source], until=time.time() + 1)["event"] == "over"


def test_a_worker_that_does_not_answer_is_reported(airflow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", "http://127.0.0.1:1")
    event = event_of(connectors=["x"], connect_conn_id="nowhere", unreachable_s=0.5)
    assert event["event"] == "unreachable"
    assert "connect at http://127.0.0.1:1" in event["message"]


def test_a_worker_that_answers_again_is_reported_and_ends_the_alert(airflow: World) -> None:
    operator = KeepConnectorsOperator(task_id="keep", schemas=str(airflow.folder), poll_s=0.2)
    platform = airflow.systems.platform
    platform.raise_alert("connect", "error", "it does not answer")
    watch = deferred(operator.execute, {})
    event = event_of(**watch["trigger"])
    assert event["event"] == "reachable"
    watch = deferred(operator.on_event, {}, event, watch["trouble"])
    assert not watch["trigger"]["unreached"]
    assert platform.open_alerts() == ()


def test_a_connector_that_was_mended_between_two_watches_ends_its_alert(airflow: World) -> None:
    operator = KeepConnectorsOperator(task_id="keep", schemas=str(airflow.folder), calm_s=0.5, poll_s=0.2)
    platform = airflow.systems.platform
    platform.raise_alert(f"connector:{airflow.source}", "error", "it would not stay up")
    watch = deferred(operator.execute, {})
    event = event_of(**watch["trigger"])
    assert event["event"] == "recovered"
    deferred(operator.on_event, {}, event, watch["trouble"])
    assert platform.open_alerts() == ()


def test_a_dag_steers_a_connector(airflow: World) -> None:
    def steer(action: Any) -> str:
        operator = SteerConnectorOperator(task_id="steer", connector=airflow.source, action=action)
        return operator.execute({})  # type: ignore[arg-type]

    assert steer("pause") == f"{airflow.source} PAUSED, tasks PAUSED"
    assert steer("resume") == f"{airflow.source} RUNNING, tasks RUNNING"
    assert steer("restart") == f"{airflow.source} RUNNING, tasks RUNNING"
    assert ConnectHook.from_connection().status(airflow.source) is not None
    with pytest.raises(ValueError, match="`action` must be one of pause, resume, stop, restart; got 'sing'"):
        steer("sing")


def test_a_type_without_values_is_named_by_the_plan_and_by_the_wait(running: World) -> None:
    """Debezium does not start while any enumerated type of the database has no values."""
    hook, systems = running.systems.connect, running.systems
    running.sql("CREATE TYPE shop.mood AS ENUM ()")
    assert {refusal.rule for refusal in running.plan().refusals} == {"empty-enum"}
    hook.restart(running.source, only_failed=False)
    wait_until(lambda: _has_failed(running))
    systems.platform.add_due_snapshots(running.name, ["shop.orders"])
    with pytest.raises(SystemFailure, match=r"enumerated types without values: shop\.mood"):
        take_due(systems.platform, systems.kafka, systems.registry.schema, systems.sources, hook, running.log.append)
    running.sql("DROP TYPE shop.mood")
    hook.restart(running.source)
    wait_until(lambda: bool((status := hook.status(running.source)) and status.settled("RUNNING")))


def test_a_connector_is_paused_resumed_stopped_and_forgets(running: World) -> None:
    hook = running.systems.connect
    name = running.source
    hook.pause(name)
    assert hook.wait(name, "PAUSED").tasks == ("PAUSED",)
    hook.resume(name)
    hook.wait(name, "RUNNING")
    hook.restart(name, only_failed=False)
    hook.wait(name, "RUNNING")
    wait_until(lambda: snapshot_done(hook.offsets(name)))
    with pytest.raises(SystemRefused):
        hook.delete_offsets(name)
    hook.stop(name)
    assert hook.wait(name, "STOPPED").tasks == ()
    hook.delete_offsets(name)
    assert hook.offsets(name) == []
    hook.delete(name)
    hook.delete(name)
    wait_until(lambda: name not in hook.names() and hook.status(name) is None)
    assert hook.config(name) is None
