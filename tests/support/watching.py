"""What Airflow does with `KeepConnectorsOperator`, without Airflow: its connections, its trigger, its deferral."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from headrace.services.connectors.operators import KeepConnectorsOperator
from headrace.services.connectors.triggers import ConnectorsTrigger
from tests.integration.systems.world import World


def airflow_connections(world: World, patch: pytest.MonkeyPatch) -> None:
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
        patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(body))


def event_of(timeout_s: float = 60, **watch: Any) -> dict[str, Any]:
    """What the trigger wakes its task for."""

    async def first() -> dict[str, Any]:
        async for event in ConnectorsTrigger(poll_s=0.3, **watch).run():
            return dict(event.payload)
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), timeout_s))


def deferred(run: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What the operator's method defers to: the trigger's arguments, and what it remembers."""
    with pytest.raises(TaskDeferred) as caught:
        run(*arguments)
    trigger = dict(caught.value.trigger.serialize()[1])
    trigger.pop("poll_s")
    return {"trigger": trigger, "trouble": (caught.value.kwargs or {})["trouble"]}


@contextmanager
def meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """`work` runs in a thread inside the block; it ends when its event is set."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def connectors_kept(world: World) -> Iterator[None]:
    """`KeepConnectorsOperator` watches over the world's connectors inside the block, as `watch_connectors` does."""

    def keep(over: threading.Event) -> None:
        operator = KeepConnectorsOperator(
            task_id="keep",
            schemas=str(world.folder),
            first_wait_s=0.5,
            calm_s=2.0,
            poll_s=0.5,
            watch_for=timedelta(seconds=5),
        )
        while not over.is_set():
            run: Callable[..., Any] = operator.execute
            arguments: tuple[Any, ...] = ({},)
            try:
                while True:
                    watch = deferred(run, *arguments)
                    run, arguments = operator.on_event, ({}, event_of(**watch["trigger"]), watch["trouble"])
                    if arguments[1]["event"] == "over":
                        operator.on_event(*arguments)  # type: ignore[arg-type]
                        break
            except Exception as failed:  # the DAG's next run goes on
                world.log.append(f"watch: {failed}")

    with meanwhile(keep):
        yield
