"""Render ClickHouse DDL statements for planned changes of warehouse tables and views.

Every statement is idempotent: existing objects stay unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from headrace.planning.plan import Change
from headrace.planning.resources import Resource


def identifier(name: str) -> str:
    """Return a name quoted for a statement. It is always quoted, because it may be a keyword."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def qualified(table: str) -> str:
    """Return database and table, each quoted."""
    return ".".join(identifier(part) for part in table.split(".", 1))


def literal(text: str) -> str:
    """Return a string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def statements(change: Change) -> tuple[str, ...]:
    """Return the statements that carry out one change, in order.

    Raises ValueError for a change of another system, for a change that the rules refuse, and for a delete: a plan never
    drops a table or a view.
    """
    kind, name = change.resource.kind, change.resource.name
    if kind not in _CREATE:
        raise ValueError(f"{kind} {name} is not in the warehouse")
    if change.action == "delete" or change.breaking:
        raise ValueError(
            f"{kind} {name}: cannot {change.action} it; a plan never deletes it, and never does what the rules refuse"
        )
    if change.action == "create":
        database = identifier(name.split(".", 1)[0])
        return (f"CREATE DATABASE IF NOT EXISTS {database}", _CREATE[kind](change.resource))
    return tuple(_UPDATE[kind](change))


def create_table(table: Resource) -> str:
    """Return the CREATE statement of a table."""
    spec = table.spec
    columns = ",\n".join(f"    {column_clause(column)}" for column in spec["columns"])
    partition_by = spec.get("partition_by")
    settings = ", ".join(f"{key} = {_value(value)}" for key, value in spec["settings"].items())
    lines = [
        f"CREATE TABLE IF NOT EXISTS {qualified(table.name)}",
        f"(\n{columns}\n)",
        f"ENGINE = {spec['engine']}",
        *([f"PARTITION BY {partition_by}"] if partition_by else []),
        f"ORDER BY ({spec['order_by']})" if spec["order_by"] else "ORDER BY tuple()",
        *([f"SETTINGS {settings}"] if settings else []),
    ]
    return "\n".join(lines)


def create_view(view: Resource) -> str:
    """Return the statement that creates or replaces a view."""
    return f"CREATE OR REPLACE VIEW {qualified(view.name)} AS\n{view.spec['query']}"


def column_clause(column: Mapping[str, Any]) -> str:
    """Return one column: name, type, default, comment."""
    default = column.get("default")
    comment = column.get("comment")
    parts = [
        identifier(column["name"]),
        column["type"],
        *([f"DEFAULT {default}"] if default is not None else []),
        *([f"COMMENT {literal(comment)}"] if comment else []),
    ]
    return " ".join(parts)


def _alter_table(change: Change) -> Iterator[str]:
    table = qualified(change.resource.name)
    yield from (f"ALTER TABLE {table} {clause}" for clause in _column_alterations(change))
    settings = change.resource.spec["settings"]
    for detail in change.details:
        head, _, name = detail.path.partition(".")
        if head == "settings":
            yield f"ALTER TABLE {table} MODIFY SETTING {name} = {_value(settings[name])}"


def _column_alterations(change: Change) -> Iterator[str]:
    columns = change.resource.spec["columns"]
    before = dict(zip((c["name"] for c in columns[1:]), columns, strict=False))
    paths = {detail.path for detail in change.details}
    for column in columns:
        name = column["name"]
        if name in change.added_columns:
            place = f"AFTER {identifier(before[name]['name'])}" if name in before else "FIRST"
            yield f"ADD COLUMN IF NOT EXISTS {column_clause(column)} {place}"
        if f"columns.{name}.type" in paths:
            yield f"MODIFY COLUMN {identifier(name)} {column['type']}"
        if f"columns.{name}.comment" in paths:
            yield f"COMMENT COLUMN {identifier(name)} {literal(column.get('comment', ''))}"


def _replace_view(change: Change) -> Iterator[str]:
    yield create_view(change.resource)


def _value(value: Any) -> str:
    return literal(value) if isinstance(value, str) else str(value).lower()


_CREATE: Final[Mapping[str, Callable[[Resource], str]]] = {
    "warehouse_table": create_table,
    "warehouse_view": create_view,
}
_UPDATE: Final[Mapping[str, Callable[[Change], Iterator[str]]]] = {
    "warehouse_table": _alter_table,
    "warehouse_view": _replace_view,
}
