"""Apply the shop's OLTP schema to a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from include.shop.errors import SchemaMissing

SCHEMA_SQL = Path(__file__).with_name("schema.sql")


def apply_schema(
    conninfo: str,
    *,
    cdc_role: str,
    shop_role: str,
    publication: str = "headrace_oltp",
) -> None:
    """Create schemas, tables, publication and grants in one transaction; idempotent.

    `conninfo` must be a superuser's: only a superuser may publish a whole schema. A missing role is
    created without a password, so that nobody can log in as it until one is set.
    """
    statements = sql.SQL(SCHEMA_SQL.read_text()).format(
        cdc_name=sql.Literal(cdc_role),
        shop_name=sql.Literal(shop_role),
        publication_name=sql.Literal(publication),
        cdc_role=sql.Identifier(cdc_role),
        shop_role=sql.Identifier(shop_role),
    )
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('shop.schema'))")
        connection.execute(statements)


def require_schema(connection: psycopg.Connection) -> None:
    """Raise SchemaMissing unless `apply_schema` was run on this database."""
    row = connection.execute(
        "SELECT to_regclass('retail.transactions') IS NOT NULL AND to_regclass('shop.loads') IS NOT NULL"
    ).fetchone()
    if row is None or not row[0]:
        raise SchemaMissing(
            f'database "{connection.info.dbname}" has no retail schema: apply'
            " include/shop/schema.sql first, e.g. with ./headrace up"
        )
