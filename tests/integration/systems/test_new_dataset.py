"""`./headrace new dataset` against a real database: what it writes is planned once its SQL has run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from include.stack.commands.new_dataset import CannotDraft, plan, write_from_table
from include.stack.settings import Settings
from tests.conftest import Stack
from tests.integration.systems.building import fresh_name

TABLE = """
    CREATE SCHEMA {schema};
    CREATE TYPE {schema}.size AS ENUM ('S', 'L');
    CREATE TABLE {schema}.orders (
        line int, order_id bigint, size {schema}.size NOT NULL, price numeric(12,2), amount numeric,
        tags text[] NOT NULL DEFAULT '{{}}', at timestamptz NOT NULL,
        total bigint GENERATED ALWAYS AS (order_id * 2) STORED, PRIMARY KEY (order_id, line));
    COMMENT ON COLUMN {schema}.orders.price IS 'Price of the line, EUR.'"""


@pytest.fixture
def schema(stack: Stack) -> Iterator[str]:
    name = fresh_name()
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as connection:
        connection.execute(TABLE.format(schema=name))
        yield name
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Settings:
    """The stack with a copy of its contracts."""
    shutil.copytree(stack.settings.contracts, tmp_path / "schemas")
    return replace(stack.settings, values={**stack.settings.values, "HEADRACE_CONTRACTS": str(tmp_path / "schemas")})


def test_a_table_is_drafted_and_planned_once_its_sql_has_run(stack: Stack, own: Settings, schema: str) -> None:
    dataset = f"{schema}.orders"
    written = write_from_table(own, dataset, f"oltp:{schema}.orders", "till")
    assert sorted(written.draft.left_out) == ["amount", "total"]
    assert "Price of the line, EUR." in written.files[0].read_text()
    assert [statement.split()[0] for statement in written.sql] == ["ALTER", "ALTER", "GRANT"]
    assert "is not carried" not in (before := plan(own, dataset)) and f"ALTER TABLE {schema}.orders" in before
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as connection:
        for statement in written.sql:
            connection.execute(statement)
    after = plan(own, dataset)
    assert "Run: " not in after and f"raw.{schema}_orders" in after
    with pytest.raises(CannotDraft, match="exists already: edit it"):
        write_from_table(own, dataset, f"oltp:{schema}.orders", "till")


def test_a_table_that_cannot_be_drafted_is_an_error_and_nothing_is_written(own: Settings, schema: str) -> None:
    for place, why in (
        (f"oltp:{schema}.none", f"has no table {schema}.none"),
        ("retail.products", "write connection:schema.table"),
        ("crm:sales.accounts", "set HEADRACE_SOURCE_DSN"),
    ):
        with pytest.raises(CannotDraft, match=why):
            write_from_table(own, f"{schema}.orders", place, "till")
    assert not (own.contracts / schema).exists()
