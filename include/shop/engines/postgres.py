"""Fingerprints of tables in PostgreSQL, over committed rows."""

# ruff: noqa: S608 - every name in these queries comes from a contract

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from include.shop.engines.answer import fingerprint
from include.shop.oracle import Fingerprint
from include.shop.shape import Column, Kind, Shape

TEXT: Mapping[Kind, str] = {
    "integer": "{c}::text",
    "decimal": "round({c}, {scale})::text",
    "timestamp": "(extract(epoch FROM {c}) * 1000000)::bigint::text",
    "date": "({c} - date '1970-01-01')::text",
    "text": r"replace(replace({c}, '\', '\\'), '|', '\p')",
    "boolean": "{c}::text",
}
NUMBER: Mapping[Kind, str] = {
    "integer": "{c}",
    "decimal": "{c}",
    "timestamp": "(extract(epoch FROM {c}) * 1000000)::bigint",
    "date": "{c} - date '1970-01-01'",
    "text": "octet_length({c})",
    "boolean": "{c}::integer",
}


def postgres_fingerprints(conninfo: str, shapes: Iterable[Shape]) -> dict[str, Fingerprint]:
    """Return dataset → fingerprint of all shapes, read in one snapshot."""
    with psycopg.connect(conninfo, application_name="headrace-shop-oracle") as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return {shape.dataset: postgres_fingerprint(connection, shape) for shape in shapes}


def postgres_fingerprint(connection: psycopg.Connection, shape: Shape, relation: str | None = None) -> Fingerprint:
    """Return the fingerprint of a table; by default of the table with the dataset's name."""
    answer = connection.execute(postgres_query(shape, relation or shape.dataset)).fetchone()
    assert answer is not None
    return fingerprint(shape, answer)


def postgres_query(shape: Shape, relation: str) -> str:
    """Return the query for the one row of texts that `answer.fingerprint` parses.

    Duplicates are not counted, because the primary key prevents them.
    """
    row = ", ".join(rf"coalesce({_fill(TEXT, column)}, '\N')" for column in shape.columns)
    columns = "".join(
        f',\n    coalesce(sum({_fill(NUMBER, column)}), 0)::text, (count(*) - count("{column.name}"))::text'
        for column in shape.columns
    )
    return (
        "SELECT count(*)::text,\n"
        "    '0',\n"
        "    coalesce(sum(('x' || left(md5(_row_text), 16))::bit(64)::bigint), 0)::text"
        f"{columns}\n"
        f"FROM (SELECT *, concat_ws('|', {row}) AS _row_text FROM {relation}) AS rendered"
    )


def _fill(templates: Mapping[Kind, str], column: Column) -> str:
    return templates[column.kind].format(c=f'"{column.name}"', scale=column.scale)
