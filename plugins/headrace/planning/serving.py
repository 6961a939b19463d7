"""Build the desired PostgreSQL tables of contracts with `serving: postgres`, and their DDL statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import postgres
from headrace.planning.plan import Change
from headrace.planning.resources import Resource


def serving_tables(contract: Contract) -> Iterator[Resource]:
    """Yield the table of a dataset that PostgreSQL serves."""
    if contract.serving == "postgres":
        yield serving_table(contract)


def serving_table(contract: Contract) -> Resource:
    """Return the table `domain.dataset`, loaded from the cleaned table. Only the key is required, as in cleaned."""
    columns = [
        {
            "name": field.name,
            "type": "text" if field.name in contract.tokenised else postgres.render(field.type),
            "required": field.name in contract.identity,
            "comment": field.doc,
        }
        for field in contract.record.fields
    ]
    spec = {"columns": columns, "key": ", ".join(contract.identity)}
    return Resource("serving_table", names.view(contract), spec, (contract.id,))


def statements(change: Change) -> tuple[str, ...]:
    """Return the statements that carry out one change, in order. Each is idempotent.

    Raises ValueError for a change that the rules refuse, and for a delete: a plan never drops a table.
    """
    table = change.resource
    if change.action == "delete" or change.breaking:
        raise ValueError(
            f"{table.kind} {table.name}: cannot {change.action} it; a plan never deletes it, and never does what the rules refuse"
        )
    if change.action == "create":
        schema = identifier(table.name.split(".", 1)[0])
        return (f"CREATE SCHEMA IF NOT EXISTS {schema}", _create(table), *_comments(table))
    return tuple(_alterations(change))


def identifier(name: str) -> str:
    """Return a name quoted for a statement."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def qualified(table: str) -> str:
    """Return schema and table, each quoted."""
    return ".".join(identifier(part) for part in table.split(".", 1))


def _create(table: Resource) -> str:
    columns = ",\n".join(f"    {_column(column)}" for column in table.spec["columns"])
    key = ", ".join(identifier(name) for name in table.spec["key"].split(", "))
    return f"CREATE TABLE IF NOT EXISTS {qualified(table.name)} (\n{columns},\n    PRIMARY KEY ({key})\n)"


def _column(column: Mapping[str, Any]) -> str:
    return f"{identifier(column['name'])} {column['type']}{' NOT NULL' if column['required'] else ''}"


def _comments(table: Resource) -> Iterator[str]:
    yield from (_comment(table.name, column) for column in table.spec["columns"] if column["comment"])


def _comment(table: str, column: Mapping[str, Any]) -> str:
    text = column["comment"].replace("'", "''")
    return f"COMMENT ON COLUMN {qualified(table)}.{identifier(column['name'])} IS '{text}'"


def _alterations(change: Change) -> Iterator[str]:
    table, paths = change.resource.name, {detail.path for detail in change.details}
    for column in change.resource.spec["columns"]:
        name = column["name"]
        if name in change.added_columns:
            yield f"ALTER TABLE {qualified(table)} ADD COLUMN IF NOT EXISTS {_column(column)}"
            yield _comment(table, column)
        if f"columns.{name}.type" in paths:
            yield f"ALTER TABLE {qualified(table)} ALTER COLUMN {identifier(name)} TYPE {column['type']}"
        if f"columns.{name}.required" in paths:
            yield f"ALTER TABLE {qualified(table)} ALTER COLUMN {identifier(name)} DROP NOT NULL"
        if f"columns.{name}.comment" in paths:
            yield _comment(table, column)
