"""What the tests of the edges share: names of their own on the live stack, removed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from tests.integration.systems.building import fresh_name, world_at
from tests.integration.systems.world import World
from tests.support.own_databases import own_databases
from tests.support.schema_ids import schema_ids


@pytest.fixture(autouse=True)
def registers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Schemas may be registered, as no test beside this one predicts the ids that come next."""
    if "stack" not in request.fixturenames:
        yield
        return
    with schema_ids(request.getfixturevalue("stack")):
        yield


@pytest.fixture
def name() -> str:
    """A name that nothing else on the stack has."""
    return fresh_name()


@pytest.fixture
def systems(stack: Any) -> Systems:
    """The hooks of the live stack."""
    found: Systems = stack.systems
    return found


@pytest.fixture
def topic(systems: Systems, name: str) -> Iterator[str]:
    """A topic of one partition."""
    systems.kafka.create(name, 1)
    yield name
    systems.kafka.delete(name)


@pytest.fixture
def database(stack: Any, name: str) -> Iterator[Callable[[str], str]]:
    """`database(purpose)`: DSN of a fresh database, as superuser; dropped afterwards."""
    with own_databases(stack.settings, name) as make:
        yield make


@pytest.fixture
def platform(database: Callable[[str], str]) -> PlatformHook:
    """A platform database of the test's own: nothing in it knows of the stack's connectors."""
    hook = PlatformHook(Endpoint.from_url(database("platform")))
    hook.migrate()
    return hook


@pytest.fixture
def alone(systems: Systems, platform: PlatformHook) -> Systems:
    """The stack's hooks, with that platform database and no source."""
    return replace(systems, platform=platform, sources={})


@pytest.fixture
def world(
    stack: Any, name: str, database: Callable[[str], str], platform: PlatformHook, tmp_path: Path
) -> Iterator[World]:
    """A shop of the test's own on the live stack; see `world`."""
    with world_at(stack, name, database, tmp_path) as made:
        yield made
