"""Databases of the shop's own on the test server, so that the streamed one is left alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from headrace.systems.warehouse.hook import WarehouseHook
from include.shop.history import load_history
from include.shop.schema import apply_schema

CDC_ROLE = "shop_test_cdc"
SHOP_ROLE = "shop_test_till"
SAMPLE_ROWS = 3000


@pytest.fixture(scope="session")
def clickhouse_client(stack: Any) -> Any:
    """The warehouse, as its owner."""
    return WarehouseHook(stack.clickhouse).client


@pytest.fixture
def empty_database(oltp_dsn: str) -> Iterator[str]:
    """Connection string of a new, empty database."""
    with _database(oltp_dsn) as conninfo:
        yield conninfo


@pytest.fixture
def schema_database(empty_database: str) -> str:
    """A database with the shop's schema and no rows."""
    apply_schema(empty_database, cdc_role=CDC_ROLE, shop_role=SHOP_ROLE)
    return empty_database


@pytest.fixture(scope="module")
def shop_database(oltp_dsn: str) -> Iterator[str]:
    """A database with a small sample of the history, shared by a module's tests."""
    with _database(oltp_dsn) as conninfo:
        apply_schema(conninfo, cdc_role=CDC_ROLE, shop_role=SHOP_ROLE)
        load_history(conninfo, SAMPLE_ROWS)
        yield conninfo


@pytest.fixture
def fetch() -> Callable[..., list[tuple[object, ...]]]:
    """`fetch(conninfo, query, *parameters)`: all rows of a query."""

    def fetch(conninfo: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(conninfo) as connection:
            return connection.execute(query, parameters).fetchall()

    return fetch


@contextmanager
def _database(admin: str) -> Iterator[str]:
    name = f"shop_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(admin, dbname=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            _drop_role(connection, CDC_ROLE)
            _drop_role(connection, SHOP_ROLE)


def _drop_role(connection: psycopg.Connection, role: str) -> None:
    """Drop a role unless another database still grants it something."""
    try:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
    except psycopg.errors.DependentObjectsStillExist:
        return
