"""Worlds on the live stack, with databases of their own; nothing of them stays."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from include.stack import endpoints
from tests.integration.systems.world import World
from tests.support.own_databases import make_source, own_databases
from tests.support.schema_ids import schema_ids


@contextmanager
def new_world(stack: Any, folder: Path) -> Iterator[World]:
    """A shop for the tests of a module, which leave it as they found it."""
    name = fresh_name()
    with schema_ids(stack), own_databases(stack.settings, name) as database:
        PlatformHook(Endpoint.from_url(database("platform"))).migrate()
        with world_at(stack, name, database, folder) as made:
            yield made


def fresh_name() -> str:
    """A name that nothing else on the stack has."""
    return f"sys{secrets.token_hex(4)}"


@contextmanager
def world_at(stack: Any, name: str, database: Callable[[str], str], folder: Path) -> Iterator[World]:
    """A shop of that name, whose platform database is there; what it made is removed afterwards."""
    dsn = make_source(stack.settings, name, database)
    place = Endpoint.from_url(stack.superuser_dsn(f"{name}_platform"))
    made = World.build(name, dsn, folder / "schemas", endpoints.endpoints(stack.settings), place)
    yield made
    made.clean()
