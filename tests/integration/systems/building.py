"""Worlds on the live stack, with databases of their own; nothing of them stays."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from include.stack import endpoints
from tests.integration.systems.world import World
from tests.support.schema_ids import schema_ids


@contextmanager
def new_world(stack: Any, folder: Path) -> Iterator[World]:
    """A shop for the tests of a module, which leave it as they found it."""
    name = fresh_name()
    with schema_ids(stack), databases_of(stack, name) as database:
        PlatformHook(Endpoint.from_url(database("platform"))).migrate()
        with world_at(stack, name, database, folder) as made:
            yield made


def fresh_name() -> str:
    """A name that nothing else on the stack has."""
    return f"sys{secrets.token_hex(4)}"


@contextmanager
def databases_of(stack: Any, name: str) -> Iterator[Callable[[str], str]]:
    """A function that makes a database for a purpose; its DSN, as superuser. They are dropped afterwards."""
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


@contextmanager
def world_at(stack: Any, name: str, database: Callable[[str], str], folder: Path) -> Iterator[World]:
    """A shop of that name, whose platform database is there; what it made is removed afterwards."""
    dsn = database("oltp")
    _as_superuser(stack, sql.SQL("GRANT CONNECT ON DATABASE {} TO cdc").format(sql.Identifier(f"{name}_oltp")))
    place = Endpoint.from_url(stack.superuser_dsn(f"{name}_platform"))
    made = World.build(name, dsn, folder / "schemas", endpoints.endpoints(stack.settings), place)
    yield made
    made.clean()


def _as_superuser(stack: Any, statement: sql.Composed) -> None:
    with psycopg.connect(stack.superuser_dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement)
