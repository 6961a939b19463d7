"""A table that is loaded whole: a staging table is filled and exchanged for it, in one step for its readers.

Which state of the lake a table holds stands in its comment, which moves with it: so it can be seen after a crash, at
any line, whether the exchange was made.
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
"""Staging tables of loads that ended in between."""


def load(
    hook: WarehouseHook, table: Resource, state: str, parts: Iterable[pa.Table], rows: int, check: Check = unchecked
) -> None:
    """Make the table hold these rows and nothing else.

    Each load has a staging table of its own, and drops those of others: one that has lost its lock finds nothing to
    exchange.

    Args:
        table: as planned.
        state: what the rows are, as one line; `loaded_state` tells it from then on.
        parts: the rows.
        rows: how many there are.
        check: asked before each write, whether nobody else loads the table.

    Raises:
        SystemRefused: ClickHouse refuses a row, or other rows than these have arrived.
        SystemUnavailable: it does not answer.
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
            "warehouse", hook.address, f"{table.name}: {arrived:,} rows have arrived of {rows:,}; the old ones stay"
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
    """What the table holds, as `load` was told; None when it was never loaded."""
    return hook.comment(table.name) or None


def exchange(hook: WarehouseHook, table: str, staging: str, state: str) -> None:
    """Exchange the two, once. `state` is the staging table's comment.

    A second exchange would bring the old rows back: after a failure the comment says whether it was made.
    """
    try:
        hook.execute_once(f"EXCHANGE TABLES {ddl.qualified(staging)} AND {ddl.qualified(table)}")
    except Transient as error:
        if hook.comment(table) != state:
            raise SystemUnavailable("warehouse", hook.address, f"{table} is not exchanged: {error}") from error
