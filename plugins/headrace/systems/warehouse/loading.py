"""Full load of a ClickHouse table: fill a staging table, then exchange both tables atomically.

A table's comment holds its lake state and moves with the table. So after a crash at any line, the comment shows whether
the exchange took place.
https://clickhouse.com/docs/sql-reference/statements/exchange
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning import ddl
from headrace.planning.resources import Resource
from headrace.systems.platform.locks import Check, unchecked
from headrace.systems.retry import Transient
from headrace.systems.warehouse.hook import WarehouseHook

if TYPE_CHECKING:
    import pyarrow as pa

STAGING: Final = "__next"
LEFT: Final = "SELECT database || '.' || name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})"
"""Query for staging tables of interrupted loads."""


def load(
    hook: WarehouseHook, table: Resource, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked
) -> None:
    """Load exactly these rows into the table.

    Each load has its own staging table and drops those of other loads. So a load that lost its lock has nothing to
    exchange.

    Args:
        table: planned table.
        state: lake state of the rows, as one line; afterwards `loaded_state` returns it.
        parts: rows to load.
        rows: number of rows.
        check: called before each write; raises if another process loads the table.

    Raises:
        SystemRefused: ClickHouse refuses a row, or the row count differs from `rows`.
        SystemUnavailable: ClickHouse does not answer.
    """
    from headrace.systems.warehouse.arrow import as_inserted

    staging = replace(table, name=f"{table.name}{STAGING}_{uuid4().hex[:8]}")
    types = {column["name"]: column["type"] for column in table.spec["columns"]}
    check()
    _drop(hook, _left(hook, table.name))
    hook.execute(f"{ddl.create_table(staging)}\nCOMMENT {ddl.literal(state)}")
    for number, part in enumerate(parts):
        try:
            fitted = as_inserted(part, types)
        except ValueError as wrong:
            raise SystemRefused("warehouse", hook.address, f"{table.name}: {wrong}") from wrong
        check()
        hook.insert(staging.name, fitted, f"{state} {number}")
    if (arrived := hook.count(staging.name)) != rows:
        raise SystemRefused(
            "warehouse",
            hook.address,
            f"{table.name}: {arrived:,} of {rows:,} rows have arrived; the table keeps its old rows",
        )
    check()
    exchange(hook, table.name, staging.name, state)
    _drop(hook, [staging.name])


def _left(hook: WarehouseHook, table: str) -> list[str]:
    database, _, name = table.partition(".")
    return [row[0] for row in hook.rows(LEFT, {"database": database, "prefix": f"{name}{STAGING}"})]


def _drop(hook: WarehouseHook, tables: Iterable[str]) -> None:
    for name in tables:
        hook.execute(f"DROP TABLE IF EXISTS {ddl.qualified(name)} SYNC")


def loaded_state(hook: WarehouseHook, table: Resource) -> str | None:
    """Return the `state` of the last `load`; None if the table was never loaded."""
    return hook.comment(table.name) or None


def exchange(hook: WarehouseHook, table: str, staging: str, state: str) -> None:
    """Exchange table and staging table, once. `state` is the staging table's comment.

    A second exchange would restore the old rows. So after a failure the comment shows whether it took place.
    """
    try:
        hook.execute_once(f"EXCHANGE TABLES {ddl.qualified(staging)} AND {ddl.qualified(table)}")
    except Transient as error:
        if hook.comment(table) != state:
            raise SystemUnavailable("warehouse", hook.address, f"{table} is not exchanged: {error}") from error
