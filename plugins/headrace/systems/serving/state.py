"""State functions of serving tables: observe the declared ones, apply one change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.planning.serving import statements
from headrace.systems.serving.hook import ServingHook

COLUMNS: Final = """
    SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           coalesce(col_description(c.oid, a.attnum), '')
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind = 'r' AND n.nspname || '.' || c.relname = ANY (%s)
     ORDER BY 1, a.attnum"""
KEYS: Final = """
    SELECT n.nspname || '.' || c.relname, string_agg(a.attname, ', ' ORDER BY array_position(i.indkey::int2[], a.attnum))
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
     WHERE i.indisprimary AND n.nspname || '.' || c.relname = ANY (%s)
     GROUP BY 1"""


def observe(hook: ServingHook | None, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the wanted tables that exist. Without wanted tables the database is not queried, and need not exist."""
    named = sorted(resource.name for resource in wanted if resource.kind == "serving_table")
    if not named:
        return ()
    found: dict[str, list[dict[str, Any]]] = {}
    for table, *column in _needed(hook).rows(COLUMNS, [named]):
        found.setdefault(table, []).append(dict(zip(("name", "type", "required", "comment"), column, strict=True)))
    keys: dict[str, str] = dict(_needed(hook).rows(KEYS, [named]))
    return tuple(Resource("serving_table", n, {"columns": c, "key": keys.get(n, "")}) for n, c in found.items())


def apply(hook: ServingHook | None, change: Change) -> None:
    """Apply one change of one table, in one transaction. Idempotent."""
    from psycopg import sql

    with _needed(hook).transaction() as connection:
        for statement in statements(change):
            connection.execute(sql.SQL(statement))  # built from quoted names of the plan


def _needed(hook: ServingHook | None) -> ServingHook:
    if hook is None:
        raise ValueError(
            "a contract has serving: postgres, but there is no serving database; set the connection serving_default"
        )
    return hook
