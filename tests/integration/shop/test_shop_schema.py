from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from include.shop.errors import SchemaMissing
from include.shop.history import load_history
from include.shop.schema import SCHEMA_SQL, apply_schema
from include.shop.source import DATASETS
from tests.integration.shop.conftest import CDC_ROLE, SHOP_ROLE

pytestmark = pytest.mark.stack

SCHEMAS = Path(__file__).parents[3] / "include" / "schemas" / "retail"
AVRO_TYPES = {
    "smallint": "int",
    "integer": "int",
    "bigint": "long",
    "text": "string",
    "date": {"type": "int", "logicalType": "date"},
    "timestamp with time zone": {"type": "long", "logicalType": "timestamp-micros"},
    "numeric(12,2)": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
}
"""What change data capture makes of a PostgreSQL type."""

Fetch = Callable[..., list[tuple[object, ...]]]


def structure(fetch: Fetch, conninfo: str) -> list[tuple[object, ...]]:
    return fetch(
        conninfo,
        "SELECT c.oid, relname, relreplident, relacl::text, attname, atttypid, attnotnull"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE relnamespace::regnamespace::text IN ('retail', 'shop') ORDER BY 1, attnum",
    ) + fetch(conninfo, "SELECT oid, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1")


def test_applying_the_schema_again_changes_nothing(schema_database: str, fetch: Fetch) -> None:
    before = structure(fetch, schema_database)
    apply_schema(schema_database, cdc_role=CDC_ROLE, shop_role=SHOP_ROLE)
    assert structure(fetch, schema_database) == before


def test_every_shop_table_is_published_whole_and_no_bookkeeping_is(schema_database: str, fetch: Fetch) -> None:
    published = fetch(
        schema_database,
        "SELECT schemaname, tablename, relreplident FROM pg_publication_tables"
        " JOIN pg_class ON oid = (schemaname || '.' || tablename)::regclass"
        " WHERE pubname = 'headrace_oltp'",
    )
    assert set(published) == {("retail", dataset, "f") for dataset in DATASETS}


def test_a_table_that_comes_later_is_published_whole_after_the_next_run(schema_database: str, fetch: Fetch) -> None:
    with psycopg.connect(schema_database) as connection:
        connection.execute("CREATE TABLE retail.later (id integer PRIMARY KEY)")
    apply_schema(schema_database, cdc_role=CDC_ROLE, shop_role=SHOP_ROLE)
    (answer,) = fetch(
        schema_database,
        "SELECT relreplident, has_table_privilege(%s, oid, 'SELECT'),"
        " EXISTS (SELECT FROM pg_publication_tables WHERE tablename = 'later')"
        " FROM pg_class WHERE relname = 'later'",
        CDC_ROLE,
    )
    assert answer == ("f", True, True)


@pytest.mark.parametrize("dataset", DATASETS)
def test_tables_and_contracts_agree(schema_database: str, fetch: Fetch, dataset: str) -> None:
    """Names, order, types and nullability as change data capture will report them, and keys."""
    columns = fetch(
        schema_database,
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        f"retail.{dataset}",
    )
    declared = json.loads((SCHEMAS / f"{dataset}.avsc").read_text())["fields"]
    expected = [
        (field["name"], field["type"] if not_null else field["type"][1])
        for field, (_, _, not_null, _) in zip(declared, columns, strict=True)
    ]
    assert [(name, AVRO_TYPES[str(kind)]) for name, kind, _, _ in columns] == expected
    for field, (name, _, not_null, has_default) in zip(declared, columns, strict=True):
        assert not has_default, f"{name}: change data capture would put the default into the schema"
        assert isinstance(field["type"], list) is not not_null


def test_roles_may_do_their_part_and_no_more(schema_database: str) -> None:
    line = "INSERT INTO retail.products VALUES (1, 1, 'FUEL', 'National')"
    with psycopg.connect(schema_database, autocommit=True) as connection:
        (row,) = connection.execute(
            "SELECT rolreplication, rolsuper, rolpassword IS NULL FROM pg_authid WHERE rolname = %s",
            (CDC_ROLE,),
        )
        assert row == (True, False, True)
        connection.execute(f"SET ROLE {CDC_ROLE}")
        connection.execute("SELECT FROM retail.products")
        for refused in (line, "SELECT FROM shop.loads", "DROP TABLE retail.products"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(refused)
        connection.execute("RESET ROLE")
        connection.execute(f"SET ROLE {SHOP_ROLE}")
        connection.execute(line)
        connection.execute("DELETE FROM retail.products")
        for refused in ("DROP TABLE retail.products", "DELETE FROM shop.loads"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(refused)


@pytest.mark.parametrize(
    ("quantity", "sales_value", "discount", "fits"),
    [(1, 5, 1, True), (0, 0, 0, True), (-1, -5, -1, True), (1, -5, 0, False), (-1, -5, 1, False)],
)
def test_amounts_follow_the_sign_of_the_quantity(
    schema_database: str, quantity: int, sales_value: int, discount: int, fits: bool
) -> None:
    line = "INSERT INTO retail.transactions VALUES (1, 1, NULL, 1, %s, %s, %s, 0, 0, 1, now())"
    with psycopg.connect(schema_database) as connection:
        if fits:
            connection.execute(line, (quantity, sales_value, discount))
        else:
            with pytest.raises(errors.CheckViolation, match="amounts_follow_quantity"):
                connection.execute(line, (quantity, sales_value, discount))


def test_names_are_quoted(empty_database: str, fetch: Fetch) -> None:
    odd = 'shop_test_"; DROP SCHEMA retail --'
    apply_schema(empty_database, cdc_role=odd, shop_role=odd, publication=odd)
    (names,) = fetch(
        empty_database,
        "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = %s),"
        " (SELECT count(*) FROM pg_publication WHERE pubname = %s)",
        odd,
        odd,
    )
    assert names == (1, 1)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute('DROP OWNED BY "shop_test_""; DROP SCHEMA retail --"')
        connection.execute('DROP ROLE "shop_test_""; DROP SCHEMA retail --"')


def test_the_schema_holds_no_secret() -> None:
    assert "password" not in SCHEMA_SQL.read_text().lower()


def test_a_database_without_the_schema_is_named_with_the_next_step(empty_database: str) -> None:
    with pytest.raises(SchemaMissing, match=r'database "shop_test_\w+" has no retail schema'):
        load_history(empty_database)
