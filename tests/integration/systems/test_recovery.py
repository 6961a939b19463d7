"""A lost replication slot on a PostgreSQL of the test's own, whose log is kept short."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headrace.contracts import names
from headrace.services.connectors.operators import KeepConnectorsOperator
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.counter import count_changes
from headrace.systems.kafka.counting import TopicCount
from headrace.systems.oltp.hook import OltpHook
from headrace.systems.platform.hook import PlatformHook
from include.stack import endpoints
from include.stack.install import POSTGRES_BIN
from include.stack.privileges import POSTGRES_USER, as_postgres
from tests.integration.systems.serving import Server
from tests.integration.systems.world import World
from tests.support.waiting import wait_until
from tests.support.watching import airflow_connections, deferred, event_of

pytestmark = pytest.mark.slow

OPTIONS = {"wal_level": "logical", "max_slot_wal_keep_size": "4MB", "max_wal_size": "4MB", "min_wal_size": "2MB"}


@pytest.fixture
def short_of_log(stack: Any) -> Iterator[str]:
    """DSN of a PostgreSQL that keeps 4 MB of log for a slot, with the stack's role `cdc`."""
    home = Path(tempfile.mkdtemp(prefix="headrace-pg-", dir="/tmp"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(home, POSTGRES_USER, POSTGRES_USER)
    data = home / "data"
    _run(home, POSTGRES_BIN / "initdb", "-D", data, "-U", "headrace", "--auth=trust", "--wal-segsize=1", "-E", "UTF8")
    flags = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        _command(POSTGRES_BIN / "postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", "", *flags),
        cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    dsn = f"postgresql://headrace@127.0.0.1:{port}/postgres"
    try:
        wait_until(lambda: _answers(dsn), 30)
        with psycopg.connect(dsn, autocommit=True) as connection:
            password = stack.settings["HEADRACE_PASSWORD_CDC"]
            connection.execute(f"CREATE ROLE cdc LOGIN REPLICATION PASSWORD '{password}'")
            connection.execute("CREATE DATABASE neighbour")
        yield dsn
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(home)


def _command(*parts: object) -> list[str]:
    command = [str(part) for part in parts]
    return as_postgres(command) if os.geteuid() == 0 else command


def _run(home: Path, *parts: object) -> None:
    subprocess.run(_command(*parts), check=True, capture_output=True, cwd=home, timeout=120)


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def shop(
    stack: Any, name: str, short_of_log: str, platform: PlatformHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    place = Endpoint.from_url(stack.superuser_dsn(f"{name}_platform"))
    places = endpoints.endpoints(stack.settings)
    world = World.build(name, short_of_log, tmp_path / "schemas", places, place, zones="quarantine")
    airflow_connections(world, monkeypatch)
    world.make_table("orders", rows=50)
    world.declare("orders")
    world.apply()
    yield world
    world.clean()


def _served(world: World) -> list[tuple[Any, ...]]:
    rows = world.systems.warehouse.rows(f"SELECT id, total, at FROM {world.name}.orders ORDER BY id")
    return [(number, total, at.replace(tzinfo=UTC)) for number, total, at in rows]


def _source(world: World) -> list[tuple[Any, ...]]:
    return world.sql("SELECT id, total, at FROM shop.orders ORDER BY id")


def _lose_the_slot(world: World) -> None:
    """While the connector is stopped: rows come, change and go, and the log of it is thrown away."""
    connect, oltp = world.systems.connect, world.systems.sources[world.name]
    connect.stop(world.source)
    connect.wait(world.source, "STOPPED")
    world.sql(
        "DELETE FROM shop.orders WHERE id <= 5; UPDATE shop.orders SET total = 99 WHERE id = 6;"
        "INSERT INTO shop.orders VALUES (100, 1.25, '2024-05-05Z');"
        "CREATE TABLE IF NOT EXISTS public.noise (t text)"
    )
    for _ in range(40):
        world.sql("INSERT INTO public.noise SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        world.sql("CHECKPOINT")
        slot = oltp.slot(names.replication_slot(world.name))
        if slot and slot.lost:
            return
    pytest.fail("the slot did not get lost")


def test_a_lost_slot_is_answered_by_a_fresh_snapshot_that_leaves_no_gap(shop: World) -> None:
    contract = shop.contract("orders")
    server = Server(shop.systems, contract)
    wait_until(lambda: server.run() or len(_served(shop)) == 50)  # type: ignore[func-returns-value]
    _lose_the_slot(shop)
    shop.systems.connect.resume(shop.source)

    operator = KeepConnectorsOperator(task_id="keep", schemas=str(shop.folder), calm_s=1.0, poll_s=0.5)
    watch = deferred(operator.execute, {})
    event = event_of(**watch["trigger"])
    assert event["event"] in ("slot-lost", "failed")
    assert "slot" in event["message"]
    watch = deferred(operator.on_event, {}, event, watch["trouble"])
    assert watch["trigger"]["snapshots"] == [shop.source]
    (alert,) = shop.systems.platform.open_alerts()
    assert (alert.key, alert.severity) == (f"slot:{names.replication_slot(shop.name)}", "error")

    event = event_of(**watch["trigger"])
    assert event["event"] == "snapshot-done"
    server.run()
    gap = {row[0] for row in _served(shop)} - {row[0] for row in _source(shop)}
    assert gap == {1, 2, 3, 4, 5}  # what the snapshot alone cannot tell

    watch = deferred(operator.on_event, {}, event, watch["trouble"])
    assert watch["trigger"]["snapshots"] == []
    server.run()
    assert _served(shop) == _source(shop)
    assert shop.systems.platform.open_alerts() == ()
    assert shop.systems.platform.fresh_starts() == {}

    shop.sql("DELETE FROM shop.orders WHERE id = 6; INSERT INTO shop.orders VALUES (1, 7, '2024-05-06Z')")
    wait_until(lambda: server.run() or _served(shop) == _source(shop))  # type: ignore[func-returns-value]
    count = count_changes(shop.systems.kafka, shop.systems.registry.schema, TopicCount(names.topic(contract)))
    assert count.rows == len(_source(shop))


def test_a_recovery_that_was_cut_short_is_gone_on_with(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(shop.systems, shop.contract("orders"))
    wait_until(lambda: server.run() or len(_served(shop)) == 50)  # type: ignore[func-returns-value]
    _lose_the_slot(shop)
    shop.systems.connect.resume(shop.source)
    operator = KeepConnectorsOperator(task_id="keep", schemas=str(shop.folder), calm_s=1.0, poll_s=0.5)
    watch = deferred(operator.execute, {})
    event = event_of(**watch["trigger"])
    with monkeypatch.context() as killed:
        killed.setattr("headrace.systems.oltp.hook.OltpHook.drop_slot", lambda self, name: _die())
        with pytest.raises(KeyboardInterrupt):
            operator.on_event({}, event, watch["trouble"])  # type: ignore[arg-type]
    status = shop.systems.connect.status(shop.source)
    assert status is not None
    assert status.state == "STOPPED"

    watch = deferred(operator.execute, {})  # the task's next try
    event = event_of(**watch["trigger"])
    assert event["event"] == "snapshot-done"
    server.run()
    deferred(operator.on_event, {}, event, watch["trouble"])
    server.run()
    assert {row[0] for row in _served(shop)} == {row[0] for row in _source(shop)}
    assert shop.systems.platform.fresh_starts() == {}


def _die() -> bool:
    raise KeyboardInterrupt


def test_an_idle_source_confirms_the_log_of_its_cluster_and_goes_on_after_a_restart(shop: World) -> None:
    """Other databases share the cluster's log: an idle shop must not hold it, nor lose its place in it."""
    server = Server(shop.systems, shop.contract("orders"))
    wait_until(lambda: server.run() or len(_served(shop)) == 50)  # type: ignore[func-returns-value]
    connect, oltp = shop.systems.connect, shop.systems.sources[shop.name]
    slot = names.replication_slot(shop.name)

    for kilobytes in (0, *[1000] * 6):  # together more than the 4 MB that a slot may hold back
        _write_log(shop, "neighbour", kilobytes)
        wait_until(lambda: _lag(oltp, slot) < 64 * 1024)
        assert _confirmed(shop, slot) <= _stored(shop)  # else the connector could not start again

    connect.stop(shop.source)
    connect.wait(shop.source, "STOPPED")
    shop.sql("INSERT INTO shop.orders VALUES (100, 1.25, '2024-05-05Z'); DELETE FROM shop.orders WHERE id = 1")
    connect.resume(shop.source)
    wait_until(lambda: server.run() or _served(shop) == _source(shop))  # type: ignore[func-returns-value]
    topic = TopicCount(names.topic(shop.contract("orders")))
    count = count_changes(shop.systems.kafka, shop.systems.registry.schema, topic)
    assert count.changes == 50 + 2  # no second snapshot: the place in the log was kept


def _write_log(world: World, database: str, kilobytes: int) -> None:
    with psycopg.connect(f"{world.dsn.rsplit('/', 1)[0]}/{database}", autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS noise (t text)")
        connection.execute("INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, %s)", (kilobytes,))
        connection.execute("CHECKPOINT")


def _confirmed(world: World, slot: str) -> int:
    found = world.sql("SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = %s", slot)
    return int(found[0][0])


def _stored(world: World) -> int:
    (offset,) = world.systems.connect.offsets(world.source)
    return int(offset["offset"]["lsn"])


def _lag(oltp: OltpHook, name: str) -> int:
    slot = oltp.slot(name)
    assert slot
    assert not slot.lost
    return slot.lag_bytes
