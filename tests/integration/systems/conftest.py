"""What the tests of the edges share: names of their own on the live stack, removed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from include.stack import endpoints
from tests.integration.systems.world import World
from tests.support.schema_ids import schema_ids


@pytest.fixture(autouse=True)
def registers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Schemas may be registered, as no test beside this one foretells the ids that come next."""
    if "stack" not in request.fixturenames:
        yield
        return
    with schema_ids(request.getfixturevalue("stack")):
        yield


@pytest.fixture
def name() -> str:
    """A name that nothing else on the stack has."""
    return f"sys{secrets.token_hex(4)}"


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
    made: list[str] = []

    def make(purpose: str) -> str:
        fresh = f"{name}_{purpose}"
        _as_superuser(stack, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
        made.append(fresh)
        dsn: str = stack.superuser_dsn(fresh)
        return dsn

    yield make
    for fresh in made:
        _as_superuser(stack, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(fresh)))


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


def _as_superuser(stack: Any, statement: sql.Composed) -> None:
    with psycopg.connect(stack.superuser_dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def world(
    stack: Any, name: str, database: Callable[[str], str], platform: PlatformHook, tmp_path: Path
) -> Iterator[World]:
    """A shop of the test's own on the live stack; see `world`."""
    dsn = database("oltp")
    _as_superuser(stack, sql.SQL("GRANT CONNECT ON DATABASE {} TO cdc").format(sql.Identifier(f"{name}_oltp")))
    place = Endpoint.from_url(stack.superuser_dsn(f"{name}_platform"))
    made = World.build(name, dsn, tmp_path / "schemas", endpoints.endpoints(stack.settings), place)
    yield made
    made.clean()
