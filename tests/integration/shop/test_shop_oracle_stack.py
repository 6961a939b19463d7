"""The oracle against real engines: all must compute what `canonical` defines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from include.shop.canonical import row_text, table_hash
from include.shop.engines.clickhouse import clickhouse_fingerprint, latest
from include.shop.engines.lake import lake_fingerprint
from include.shop.engines.postgres import postgres_fingerprint, postgres_fingerprints
from include.shop.live import LiveSettings, run_live
from include.shop.oracle import compare
from include.shop.script import Mix
from include.shop.shape import read_shapes
from tests.unit.shop.strange_rows import SHAPE, Row, arrow, hash_of, strange_rows, strange_values

pytestmark = pytest.mark.stack

SCHEMAS = Path(__file__).parents[3] / "include" / "schemas"
BUSY = Mix(0.5, 0.4, 0.4, 0.3, 0.3, 0.5, 0.3, 0.3)
POSTGRES_TABLE = """
CREATE TEMPORARY TABLE strange (k bigint, d date, i integer, m numeric(12,2), whole numeric(12,0),
    at timestamptz, day date, s text, b boolean, PRIMARY KEY (k, d))
"""
CLICKHOUSE_COLUMNS = """
(k Int64, d Date32, i Nullable(Int32), m Nullable(Decimal(12, 2)), whole Nullable(Decimal(12, 0)),
 at Nullable(DateTime64(6, 'UTC')), day Nullable(Date32), s Nullable(String), b Nullable(Bool),
 _op String, _kafka_partition Int32, _offset UInt64) ENGINE = MergeTree ORDER BY (k, d)
"""


@dataclass(frozen=True)
class Life:
    """Rows that were inserted, changed and deleted: every change, and what is left."""

    changes: pa.Table
    left: list[Row]


@pytest.fixture(scope="module")
def life() -> Life:
    chance = Random(5)
    old = strange_rows(400)
    new = [(*row[:2], *strange_values(chance)) for row in old[:300]]
    ops = ["u" if chance.random() < 0.7 else "d" for _ in new]
    changes = (
        arrow(old + new)
        .append_column("_op", pa.array(["r"] * 400 + ops))
        .append_column("_kafka_partition", pa.array([0] * 700, pa.int32()))
        .append_column("_offset", pa.array(range(700), pa.int64()))
    )
    kept = [row for row, op in zip(new, ops, strict=True) if op == "u"]
    return Life(changes, kept + old[300:])


def test_postgres_computes_the_reference(oltp_dsn: str, life: Life) -> None:
    with psycopg.connect(oltp_dsn) as connection:
        connection.execute(POSTGRES_TABLE)
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO strange VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", life.left)
        found = postgres_fingerprint(connection, SHAPE, "strange")
    assert (found.rows, found.hash) == (len(life.left), hash_of(life.left))


def test_the_lake_computes_what_postgres_does(oltp_dsn: str, life: Life, tmp_path: Path) -> None:
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("t", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("raw")
    table = catalog.create_table("raw.strange_rows", schema=life.changes.schema)
    table.append(life.changes.slice(350))
    table.append(life.changes.slice(0, 350))

    found = lake_fingerprint(catalog.load_table("raw.strange_rows"), SHAPE)
    assert (found.rows, found.duplicates) == (len(life.left), 0)
    assert found.hash == hash_of(life.left)

    table.append(life.changes.slice(0, 2))
    assert lake_fingerprint(catalog.load_table("raw.strange_rows"), SHAPE).duplicates == 2


@pytest.fixture
def strange_table(clickhouse_client: Any) -> Iterator[str]:
    clickhouse_client.command("CREATE DATABASE IF NOT EXISTS shop_test")
    clickhouse_client.command(f"CREATE OR REPLACE TABLE shop_test.strange {CLICKHOUSE_COLUMNS}")
    yield "shop_test.strange"
    clickhouse_client.command("DROP DATABASE shop_test SYNC")


def test_clickhouse_computes_what_the_lake_does(clickhouse_client: Any, strange_table: str, life: Life) -> None:
    clickhouse_client.insert_arrow(strange_table, life.changes)
    found = clickhouse_fingerprint(clickhouse_client, SHAPE, latest(SHAPE, strange_table))
    assert (found.rows, found.duplicates) == (len(life.left), 0)
    assert found.hash == hash_of(life.left)


def test_clickhouse_counts_rows_that_lie_there_twice(clickhouse_client: Any, strange_table: str, life: Life) -> None:
    clickhouse_client.insert_arrow(strange_table, life.changes.slice(0, 400))
    clickhouse_client.insert_arrow(strange_table, life.changes.slice(0, 3))
    found = clickhouse_fingerprint(clickhouse_client, SHAPE, strange_table)
    assert (found.rows, found.duplicates) == (403, 3)


def test_clickhouse_has_an_empty_fingerprint_of_an_empty_table(clickhouse_client: Any, strange_table: str) -> None:
    found = clickhouse_fingerprint(clickhouse_client, SHAPE, strange_table)
    assert (found.rows, found.duplicates, found.hash) == (0, 0, 0)
    assert set(found.sums.values()) == {0}


def test_the_lived_shop_has_the_reference_hash_in_every_dataset(shop_database: str) -> None:
    run_live(shop_database, LiveSettings(rows_per_s=0, rows=800, mix=BUSY))
    shapes = [s for s in read_shapes(SCHEMAS).values() if s.dataset.startswith("retail.")]
    fingerprints = postgres_fingerprints(shop_database, shapes)
    with psycopg.connect(shop_database) as connection:
        for shape in shapes:
            columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in shape.columns)
            rows = connection.execute(
                sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier("retail", shape.table))
            ).fetchall()
            expected = table_hash(row_text(shape.columns, row) for row in rows)
            assert (len(rows), expected) == (
                fingerprints[shape.dataset].rows,
                fingerprints[shape.dataset].hash,
            )


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE retail.transactions SET quantity = quantity + 1 WHERE ctid = %s",
        "UPDATE retail.transactions SET sales_value = sales_value + 0.01 WHERE ctid = %s",
        "UPDATE retail.transactions SET checked_out_at = checked_out_at + '1 us' WHERE ctid = %s",
        "UPDATE retail.transactions SET household_id = NULL WHERE ctid = %s",
        "DELETE FROM retail.transactions WHERE ctid = %s",
    ],
)
def test_the_smallest_departure_is_seen(shop_database: str, tampering: str) -> None:
    shape = read_shapes(SCHEMAS)["retail.transactions"]
    with psycopg.connect(shop_database) as connection:
        before = postgres_fingerprint(connection, shape)
        (row,) = connection.execute(
            "SELECT ctid::text FROM retail.transactions"
            " WHERE household_id IS NOT NULL AND quantity > 0 ORDER BY basket_id LIMIT 1"
        )
        connection.execute(tampering, row)
        after = postgres_fingerprint(connection, shape)
        connection.rollback()
    comparison = compare({"a": {shape.dataset: before}, "b": {shape.dataset: after}})
    assert {"hash"} < {difference.what for difference in comparison.differences}
