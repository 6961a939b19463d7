"""Desired state of ClickHouse tables and views: read those that are declared as they are now, and apply one change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from headrace.planning import canonical, ddl
from headrace.planning.plan import Change
from headrace.planning.resources import Resource
from headrace.planning.warehouse import FILLED_FROM
from headrace.systems.warehouse.hook import INSERT_SETTINGS, WarehouseHook
from headrace.systems.warehouse.loading import STAGING

KINDS: Final = ("warehouse_table", "warehouse_view")
MANY_MONTHS: Final = f"max_partitions_per_insert_block = {INSERT_SETTINGS['max_partitions_per_insert_block']}"
SETTINGS: Final = re.compile(r"\bSETTINGS\s+(.*)$", re.DOTALL)
SETTING: Final = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|[^,\s]+)")

TABLES: Final = """
    SELECT concat(database, '.', name), engine, engine_full, sorting_key, partition_key, as_select
      FROM system.tables WHERE has({names:Array(String)}, concat(database, '.', name))"""
COLUMNS: Final = """
    SELECT concat(database, '.', table), name, type, default_kind, default_expression, comment
      FROM system.columns WHERE has({names:Array(String)}, concat(database, '.', table))
     ORDER BY database, table, position"""
ONE_SPELLING: Final = "SELECT formatQuerySingleLineOrNull({given:String}), formatQuerySingleLineOrNull({held:String})"


def observe(hook: WarehouseHook, wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the current definition of each declared table and view that exists.

    ClickHouse reformats the queries of views. If the stored and the declared query are equal after formatting, the result
    has the declared one, so that no change is planned.
    """
    by_name = {resource.name: resource for resource in wanted if resource.kind in KINDS}
    names = {"names": sorted(by_name)}
    columns: dict[str, list[dict[str, Any]]] = {}
    for table, *column in hook.rows(COLUMNS, names):
        columns.setdefault(table, []).append(_column(*column))
    return tuple(
        _view(hook, name, select, columns.get(name, []), by_name[name])
        if engine == "View"
        else Resource("warehouse_table", name, _table(columns.get(name, []), full, ordering, partition))
        for name, engine, full, ordering, partition, select in hook.rows(TABLES, names)
    )


def apply(hook: WarehouseHook, change: Change) -> None:
    """Apply one change to one table or view. Applying it again has no effect."""
    table = change.resource
    filled_from = table.spec.get(FILLED_FROM)
    if change.action == "create" and filled_from and hook.existing([filled_from]):
        _create_filled(hook, table, filled_from)
        return
    for statement in ddl.statements(change):
        hook.execute(statement)


def _create_filled(hook: WarehouseHook, table: Resource, filled_from: str) -> None:
    """Create a table with the rows of another one. It has its name only when it has all of them: a retry starts over."""
    staging = replace(table, name=f"{table.name}{STAGING}")
    for statement in ddl.statements(Change("create", staging)):
        hook.execute(statement)
    copy_rows(hook, table, staging.name, filled_from)
    hook.execute(f"RENAME TABLE {ddl.qualified(staging.name)} TO {ddl.qualified(table.name)}")


def copy_rows(
    hook: WarehouseHook, table: Resource, to: str, of: str, where: str = "", parameters: Mapping[str, Any] | None = None
) -> None:
    """Copy rows of the table `of` into `to`, in the columns of `table` that `of` has too. `where` is a condition."""
    (there,) = observe(hook, [Resource("warehouse_table", of, {})])
    both = {column["name"] for column in there.spec["columns"]}
    columns = ", ".join(ddl.identifier(c["name"]) for c in table.spec["columns"] if c["name"] in both)
    statement = (
        f"INSERT INTO {ddl.qualified(to)} ({columns}) SETTINGS {MANY_MONTHS}"  # noqa: S608 - quoted names
        f" SELECT {columns} FROM {ddl.qualified(of)}{f' WHERE {where}' if where else ''}"
    )
    hook.execute(statement, parameters)


def _table(columns: list[dict[str, Any]], engine_full: str, ordering: str, partition: str) -> dict[str, Any]:
    return {
        "columns": columns,
        "engine": _engine(engine_full),
        "order_by": ordering,
        **({"partition_by": partition} if partition else {}),
        "settings": dict(_settings(engine_full)),
    }


def _column(name: str, type_: str, default_kind: str, default: str, comment: str) -> dict[str, Any]:
    column = {"name": name, "type": type_}
    if default_kind:
        column["default"] = default
    if comment:
        column["comment"] = comment
    return column


def _engine(full: str) -> str:
    """Return `ReplacingMergeTree(a, b)` from `ReplacingMergeTree(a, b) PARTITION BY … ORDER BY …`."""
    depth = 0
    for place, character in enumerate(full):
        depth += (character == "(") - (character == ")")
        if character == " " and depth == 0:
            return full[:place]
    return full


def _settings(full: str) -> Iterator[tuple[str, str]]:
    clause = SETTINGS.search(full)
    for name, value in SETTING.findall(clause[1] if clause else ""):
        yield name, value.strip("'")


def _view(
    hook: WarehouseHook, name: str, held: str, columns: Iterable[Mapping[str, Any]], wanted: Resource
) -> Resource:
    given = str(wanted.spec.get("query", ""))
    same = bool(given) and _mean_the_same(hook, given, held)
    types = {column["name"]: column["type"] for column in columns}
    return Resource("warehouse_view", name, {"query": given if same else held, "types": types})


def _mean_the_same(hook: WarehouseHook, given: str, held: str) -> bool:
    if canonical.expression(given) == canonical.expression(held):
        return True
    spelled = hook.rows(ONE_SPELLING, {"given": given, "held": held})[0]
    return None not in spelled and canonical.expression(spelled[0]) == canonical.expression(spelled[1])
