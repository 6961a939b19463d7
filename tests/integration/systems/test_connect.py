"""Connectors on a live worker: steering them, watching them, repairing them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headrace.errors import SystemFailure, SystemRefused
from headrace.systems.connect.hook import ConnectHook
from headrace.systems.connect.operators import KeepConnectorsOperator, SteerConnectorOperator
from headrace.systems.connect.snapshots import take_due
from headrace.systems.connect.triggers import ConnectorsTrigger
from headrace.systems.connect.watch import snapshot_done
from tests.integration.systems.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def running(world: World) -> World:
    """A world with its source connector running; no sink, which these tests do not need."""
    world.zones = "quarantine"
    world.make_table("orders", rows=3)
    world.declare("orders")
    world.apply()
    return world


@pytest.fixture
def airflow(running: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Airflow's connections in the environment."""
    airflow_connections(running, monkeypatch)
    return running


def airflow_connections(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's connections in the environment, with the world's source and platform among them."""
    places = world.endpoints
    for conn_id, kind, place in (
        ("kafka_default", "kafka", places.kafka),
        ("schema_registry_default", "http", places.registry),
        ("kafka_connect_default", "http", places.connect),
        ("lake_default", "iceberg", places.lake),
        ("clickhouse_default", "generic", places.warehouse),
        ("platform_default", "postgres", places.platform),
        (f"{world.name}_default", "postgres", places.sources[world.name]),
    ):
        body = {
            "conn_type": kind, "host": place.host, "port": place.port, "login": place.login,
            "password": place.password, "schema": place.database, "extra": dict(place.extra),
        }  # fmt: skip
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(body))


def _event(timeout_s: float = 60, **watch: Any) -> dict[str, Any]:
    """What the trigger wakes its task for."""

    async def first() -> dict[str, Any]:
        async for event in ConnectorsTrigger(poll_s=0.3, **watch).run():
            return dict(event.payload)
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), timeout_s))


def _until(seen: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_connector_is_paused_resumed_stopped_and_forgets(running: World) -> None:
    hook = running.systems.connect
    name = running.source
    hook.pause(name)
    assert hook.wait(name, "PAUSED").tasks == ("PAUSED",)
    hook.resume(name)
    hook.wait(name, "RUNNING")
    hook.restart(name, only_failed=False)
    hook.wait(name, "RUNNING")
    _until(lambda: snapshot_done(hook.offsets(name)))
    with pytest.raises(SystemRefused):
        hook.delete_offsets(name)
    hook.stop(name)
    assert hook.wait(name, "STOPPED").tasks == ()
    hook.delete_offsets(name)
    assert hook.offsets(name) == []
    hook.delete(name)
    hook.delete(name)
    _until(lambda: name not in hook.names() and hook.status(name) is None)
    assert hook.config(name) is None


def test_a_faulty_configuration_is_refused_with_the_fault(running: World) -> None:
    config = running.systems.connect.config(running.source) or {}
    with pytest.raises(SystemRefused, match=r"400: .*poll\.interval\.ms"):
        running.systems.connect.put(running.source, {**config, "poll.interval.ms": "soon"})


def test_a_type_without_values_is_named_by_the_plan_and_by_whoever_waits(running: World) -> None:
    """Debezium does not start while any enumerated type of the database has no values."""
    hook, systems = running.systems.connect, running.systems
    running.sql("CREATE TYPE shop.mood AS ENUM ()")
    assert {refusal.rule for refusal in running.plan().refusals} == {"empty-enum"}
    hook.restart(running.source, only_failed=False)
    _until(lambda: bool((status := hook.status(running.source)) and status.failures))
    systems.platform.add_due_snapshots(running.name, ["shop.orders"])
    with pytest.raises(SystemFailure, match=r"enumerated types without values: shop\.mood"):
        take_due(systems.platform, systems.kafka, systems.registry.schema, systems.sources, hook, running.log.append)
    running.sql("DROP TYPE shop.mood")
    hook.restart(running.source)
    _until(lambda: bool((status := hook.status(running.source)) and status.settled("RUNNING")))


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
    _until(lambda: bool((status := hook.status(airflow.source)) and status.failures))
    yield airflow


def test_a_failed_task_wakes_the_watch_with_its_cause(broken: World) -> None:
    event = _event(connectors=[broken.source])
    assert (event["event"], event["connectors"], event["slot_lost"]) == ("failed", [broken.source], [])
    assert event["message"].startswith(f"task 0 of connector {broken.source} failed: ")
    assert event["message"].endswith(
        "Publication autocreation is disabled, please create one and restart the connector."
    )
    assert json.loads(json.dumps(event)) == event
    with pytest.raises(SystemFailure, match=f"connector {broken.source} failed"):
        broken.systems.connect.wait(broken.source, "RUNNING", 5)


def test_a_failed_task_is_restarted_then_an_alert_then_all_is_well_again(broken: World) -> None:
    operator = KeepConnectorsOperator(
        task_id="keep", schemas=str(broken.folder), restarts=1, first_wait_s=0.1, calm_s=1.0, poll_s=0.2
    )
    platform = broken.systems.platform
    watch = _deferred(operator.execute, {})
    watch = _deferred(operator.on_event, {}, _event(**watch["trigger"]), watch["trouble"])
    assert watch["trouble"]["restarts"] == {broken.source: 1}
    assert platform.open_alerts() == ()
    _until(lambda: bool((status := broken.systems.connect.status(broken.source)) and status.failures))
    with pytest.raises(SystemFailure, match=r"Restarted 1 times in vain\."):
        operator.on_event({}, _event(**watch["trigger"]), watch["trouble"])  # type: ignore[arg-type]
    (alert,) = platform.open_alerts()
    assert (alert.key, alert.severity) == (f"connector:{broken.source}", "error")

    broken.sql(f"CREATE PUBLICATION headrace_{broken.name} FOR TABLES IN SCHEMA shop")
    watch = _deferred(operator.execute, {})
    watch = _deferred(operator.on_event, {}, _event(**watch["trigger"]), watch["trouble"])
    watch = _deferred(operator.on_event, {}, _event(**watch["trigger"]), watch["trouble"])
    assert watch["trouble"]["restarts"] == {}
    assert platform.open_alerts() == ()


def _deferred(run: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What the operator's method defers to: the trigger's arguments, and what it remembers."""
    from airflow.sdk.exceptions import TaskDeferred

    with pytest.raises(TaskDeferred) as caught:
        run(*arguments)
    trigger = dict(caught.value.trigger.serialize()[1])
    trigger.pop("poll_s")
    return {"trigger": trigger, "trouble": (caught.value.kwargs or {})["trouble"]}


def test_a_connector_that_is_gone_is_told(airflow: World) -> None:
    event = _event(connectors=[airflow.source, "nothing-like-it"])
    assert (event["event"], event["connectors"]) == ("missing", ["nothing-like-it"])


def test_a_slot_that_falls_behind_is_told_and_that_it_has_caught_up(airflow: World) -> None:
    hook, slot = airflow.systems.connect, f"headrace_{airflow.name}"
    hook.stop(airflow.source)
    hook.wait(airflow.source, "STOPPED")
    airflow.sql("INSERT INTO shop.orders SELECT n, 1, now() FROM generate_series(1000, 60000) n")
    watch = {"connectors": [airflow.source], "slots": {slot: f"{airflow.name}_default"}, "behind_bytes": 3_000_000}
    event = _event(**watch)
    assert (event["event"], event["slot"]) == ("slot-behind", slot)
    hook.resume(airflow.source)
    hook.wait(airflow.source, "RUNNING")
    with _life(airflow):
        assert _event(120, **watch, behind=[slot])["event"] == "slot-caught-up"


@contextmanager
def _life(world: World) -> Iterator[None]:
    """A row now and then: while nothing is captured, the rest of the server's log counts as lag."""
    over = threading.Event()

    def insert() -> None:
        number = 100_000
        while not over.wait(1.0):
            world.sql(f"INSERT INTO shop.orders VALUES ({number}, 1, now())")
            number += 1

    thread = threading.Thread(target=insert)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_watch_without_trouble_ends_in_its_time(airflow: World) -> None:
    assert _event(connectors=[airflow.source], until=time.time() + 1)["event"] == "over"


def test_a_worker_that_does_not_answer_is_told(airflow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", "http://127.0.0.1:1")
    event = _event(connectors=["x"], connect_conn_id="nowhere", unreachable_s=0.5)
    assert event["event"] == "unreachable"
    assert "connect at http://127.0.0.1:1" in event["message"]


def test_a_worker_that_answers_again_is_told_and_ends_the_alert(airflow: World) -> None:
    operator = KeepConnectorsOperator(task_id="keep", schemas=str(airflow.folder), poll_s=0.2)
    platform = airflow.systems.platform
    platform.raise_alert("connect", "error", "it does not answer")
    watch = _deferred(operator.execute, {})
    event = _event(**watch["trigger"])
    assert event["event"] == "reachable"
    watch = _deferred(operator.on_event, {}, event, watch["trouble"])
    assert not watch["trigger"]["unreached"]
    assert platform.open_alerts() == ()


def test_a_connector_that_was_mended_between_two_watches_ends_its_alert(airflow: World) -> None:
    operator = KeepConnectorsOperator(task_id="keep", schemas=str(airflow.folder), calm_s=0.5, poll_s=0.2)
    platform = airflow.systems.platform
    platform.raise_alert(f"connector:{airflow.source}", "error", "it would not stay up")
    watch = _deferred(operator.execute, {})
    event = _event(**watch["trigger"])
    assert event["event"] == "recovered"
    _deferred(operator.on_event, {}, event, watch["trouble"])
    assert platform.open_alerts() == ()


def test_a_dag_steers_a_connector(airflow: World) -> None:
    def steer(action: Any) -> str:
        operator = SteerConnectorOperator(task_id="steer", connector=airflow.source, action=action)
        return operator.execute({})  # type: ignore[arg-type]

    assert steer("pause") == f"{airflow.source} PAUSED, tasks PAUSED"
    assert steer("resume") == f"{airflow.source} RUNNING, tasks RUNNING"
    assert steer("restart") == f"{airflow.source} RUNNING, tasks RUNNING"
    assert ConnectHook.from_connection().status(airflow.source) is not None
    with pytest.raises(ValueError, match="action is 'sing'; it may be pause, resume, stop, restart"):
        steer("sing")
