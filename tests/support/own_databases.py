"""Databases of a test's own on the stack's PostgreSQL; nothing of them stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg import sql

from include.stack import databases
from include.stack.settings import Settings


@contextmanager
def own_databases(s: Settings, name: str) -> Iterator[Callable[[str], str]]:
    """Yield a function that makes a database for a purpose and returns its DSN, as superuser; all are dropped afterwards."""
    with ExitStack() as made:

        def make(purpose: str) -> str:
            fresh = sql.Identifier(f"{name}_{purpose}")
            _as_superuser(s, sql.SQL("CREATE DATABASE {}").format(fresh))
            made.callback(_as_superuser, s, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(fresh))
            return databases.superuser_dsn(s, f"{name}_{purpose}")

        yield make


def make_source(s: Settings, name: str, make: Callable[[str], str]) -> str:
    """Make the source database of that name, which the connector's role may enter; its DSN."""
    dsn = make("oltp")
    _as_superuser(s, sql.SQL("GRANT CONNECT ON DATABASE {} TO cdc").format(sql.Identifier(f"{name}_oltp")))
    return dsn


def _as_superuser(s: Settings, statement: sql.Composed) -> None:
    with psycopg.connect(databases.superuser_dsn(s, "postgres"), autocommit=True) as connection:
        connection.execute(statement)
