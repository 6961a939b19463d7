"""Rebuild of ClickHouse tables of a stream from the raw zone, while the stream continues.

A new table is filled beside each table, then both are exchanged. Rows that the stream inserted meanwhile are copied
before the exchange, and rows inserted in between after it. A row may be copied twice, since rows with the same position
merge. So an interrupted try can be repeated: its remaining rows are first copied back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.ddl import literal, qualified
from headrace.planning.resources import Resource
from headrace.systems.platform.locks import Check, unchecked
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.loading import STAGING, exchange
from headrace.systems.warehouse.state import copy_rows, observe

if TYPE_CHECKING:
    import pyarrow as pa

NOW: Final = "SELECT toUnixTimestamp64Micro(now64(6))"
MEANWHILE: Final = (
    "toUnixTimestamp64Micro(_inserted_at) >= {since:Int64}"
    " OR _offset >= {next:Array(UInt64)}[indexOf({partitions:Array(Int32)}, _kafka_partition)]"
)
"""Condition for rows that the stream has inserted since raw was read, or that raw did not hold then.

An index of 0 gives 0.
"""
UNDER_WAY: Final = """
    SELECT count() FROM system.processes
     WHERE query_kind = 'Insert' AND toUnixTimestamp64Micro(now64(6)) - toInt64(elapsed * 1e6) < {before:Int64}"""
INSERT_LASTS_S: Final = 90.0
"""Seconds to wait for running inserts. A stream aborts an insert earlier."""


class Rebuilt(NamedTuple):
    """Result of a rebuild."""

    changes: int
    """Number of changes in raw."""
    left_out: int
    """Number of changes that do not fit the tables."""


def clock_us(hook: WarehouseHook) -> int:
    """Return microseconds since 1970 by ClickHouse's clock."""
    return int(hook.rows(NOW)[0][0])


def rebuild(
    hook: WarehouseHook, tables: Sequence[str], parts: Iterable[pa.Table], since_us: int, check: Check = unchecked
) -> Rebuilt:
    """Rebuild the tables from these changes and the rows that the stream inserts meanwhile.

    Args:
        tables: `database.table` of each; all are filled from the same changes.
        parts: all changes of raw, at `since_us` or later.
        since_us: time before raw was read, by `clock_us`.
        check: called before each write; raises if another process rebuilds the tables.

    Raises:
        SystemRefused: a table is missing, or a value does not fit.
        SystemUnavailable: ClickHouse does not answer, or an insert does not end. The caller may retry.
    """
    held = {table.name: table for table in observe(hook, [Resource("warehouse_table", name, {}) for name in tables])}
    if missing := [name for name in tables if name not in held]:
        raise SystemRefused("warehouse", hook.address, f"there is no table {', '.join(missing)}: run apply_contracts")
    state = f"from raw at {since_us}"
    for table in held.values():
        check()
        _bring_back(hook, table)
        hook.execute(f"CREATE TABLE IF NOT EXISTS {_staging(table.name)} AS {qualified(table.name)}")
        hook.execute(f"ALTER TABLE {_staging(table.name)} MODIFY COMMENT {literal(state)}")
    filled, meanwhile = _fill(hook, list(held.values()), parts, since_us, check)
    for table in held.values():
        check()
        copy_rows(hook, table, f"{table.name}{STAGING}", table.name, MEANWHILE, meanwhile)
    for table in held.values():
        check()
        exchange(hook, table.name, f"{table.name}{STAGING}", state)
    _wait_for_inserts(hook, clock_us(hook))
    for table in held.values():
        check()
        copy_rows(hook, table, table.name, f"{table.name}{STAGING}", MEANWHILE, meanwhile)
        hook.execute(f"DROP TABLE IF EXISTS {_staging(table.name)} SYNC")
    return filled


def _fill(
    hook: WarehouseHook, tables: Sequence[Resource], parts: Iterable[pa.Table], since_us: int, check: Check
) -> tuple[Rebuilt, Mapping[str, Any]]:
    """Fill the staging tables; return the counts and the parameters of `MEANWHILE`."""
    changes, left_out, following = 0, 0, dict[int, int]()
    for part in parts:
        for row in part.group_by("_kafka_partition").aggregate([("_offset", "max")]).to_pylist():
            place = row["_kafka_partition"]
            following[place] = max(following.get(place, 0), row["_offset_max"] + 1)
        check()
        inserted = [_insert(hook, table, part) for table in tables]
        changes, left_out = changes + part.num_rows, left_out + part.num_rows - min(inserted)
    meanwhile = {"since": since_us, "partitions": list(following), "next": list(following.values())}
    return Rebuilt(changes, left_out), meanwhile


def _insert(hook: WarehouseHook, table: Resource, part: pa.Table) -> int:
    """Insert the changes into the staging table; return the number of rows."""
    from headrace.systems.warehouse.arrow_changes import served

    inserted = 0
    try:
        for rows in served(part, table.spec["columns"]):
            hook.insert(f"{table.name}{STAGING}", rows)
            inserted += rows.num_rows
    except ValueError as wrong:
        raise SystemRefused("warehouse", hook.address, f"{table.name}: {wrong}") from wrong
    return inserted


def _bring_back(hook: WarehouseHook, table: Resource) -> None:
    """Copy back the staging table of an interrupted try, then drop it.

    It holds a part of the new table, or the old table with the latest inserts.
    """
    left = f"{table.name}{STAGING}"
    if hook.existing([left]):
        copy_rows(hook, table, table.name, left)
        hook.execute(f"DROP TABLE IF EXISTS {qualified(left)} SYNC")


def _wait_for_inserts(hook: WarehouseHook, before_us: int) -> None:
    """Wait for inserts that began before the exchange: they still write to their original table."""
    deadline = time.monotonic() + INSERT_LASTS_S
    while hook.rows(UNDER_WAY, {"before": before_us})[0][0]:
        if time.monotonic() > deadline:
            text = f"an insert that began before the exchange has not ended in {INSERT_LASTS_S:.0f} s; run this again"
            raise SystemUnavailable("warehouse", hook.address, text)
        time.sleep(0.1)


def _staging(table: str) -> str:
    return qualified(f"{table}{STAGING}")
