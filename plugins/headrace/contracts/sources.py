"""Check and read the custom property `source`: who brings the records, and what a record means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, get_args

from headrace.contracts.contract import Changes, Source, SourceKind
from headrace.contracts.odcs_model import suggest
from headrace.contracts.types import SCALARS, Date, Field, Primitive, Record, Timestamp, type_name

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
TABLE: Final = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")

RENAMED: Final[Mapping[str, SourceKind]] = {"event": "ingest", "api": "pull"}
"""Kind of an earlier version → kind. The plan says what to write now."""
CHANGES: Final[Mapping[str, tuple[Changes, ...]]] = {
    "cdc": ("envelope",),
    "ingest": ("append", "upsert"),
    "pull": ("append", "upsert"),
}
"""Kind of a source with records in Kafka → its possible meanings of a record, the default first."""
CONNECTED: Final = ("cdc", "pull", "file")
"""Kinds that need a connection."""
SHAPE: Final = (
    f"{{kind: {'|'.join(get_args(SourceKind))}, connection: name, table: schema.table (cdc),"
    " changes: append|upsert, idempotency: [fields] (append), version: field (upsert), deleted: field (upsert)}"
)
VERSIONS: Final = (Timestamp, Date)
"""Types of a version, beside int and long: they have an order and fit in 64 bits."""


def source_problem(value: Any) -> str | None:
    """Return what is wrong with a value as a clause, or None. `field_problems` checks the fields that it names."""
    if not isinstance(value, dict):
        return "is not a mapping"
    known = ("kind", "connection", "table", "changes", "idempotency", "version", "deleted")
    if unknown := sorted(value.keys() - set(known)):
        return f"has the unknown key {unknown[0]!r}"
    kind: Any = RENAMED.get(value.get("kind", ""), value.get("kind"))
    if kind not in get_args(SourceKind):
        return f"has the kind {kind!r}"
    return _origin_problem(kind, value.get("connection"), value.get("table")) or _changes_problem(kind, value)


def _origin_problem(kind: str, connection: Any, table: Any) -> str | None:
    if connection is not None and not (isinstance(connection, str) and NAME.fullmatch(connection)):
        return f"has the connection {connection!r}, which is not a name"
    if connection is None and kind in CONNECTED:
        return f"has no connection, which {kind} needs"
    if kind == "mart" and connection is not None:
        return "has a connection, but a mart is built from other datasets"
    if kind == "cdc" and not (isinstance(table, str) and TABLE.fullmatch(table)):
        return f"has the table {table!r}, but {kind} needs schema.table in lower case"
    if kind != "cdc" and table is not None:
        return f"has a table, but {kind} has none"
    return None


def _changes_problem(kind: str, value: Mapping[str, Any]) -> str | None:
    possible = CHANGES.get(kind, ())
    given = value.get("changes")
    if given is not None and given not in possible:
        return f"has changes {given!r}, but {kind} has {' or '.join(possible) or 'none'}"
    changes = given or (possible[0] if possible else None)
    if "idempotency" in value:
        if changes != "append":
            return "has idempotency, which only changes append has"
        fields = value["idempotency"]
        if not (isinstance(fields, list) and fields and all(isinstance(name, str) for name in fields)):
            return "has an idempotency that is not a list of fields"
        if len(set(fields)) != len(fields):
            return "has an idempotency that names a field twice"
    for name in ("version", "deleted"):
        if name in value and changes != "upsert":
            return f"has a {name}, which only changes upsert has"
        if name in value and not isinstance(value[name], str):
            return f"has a {name} that is not the name of a field"
    if changes == "upsert" and "version" not in value:
        return "has no version, which changes upsert needs: offsets of two partitions do not compare"
    return None


def field_problems(value: Mapping[str, Any], record: Record, names: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the fields that a valid value names.

    `names` are the fields as written, including fields whose type could not be read; the types of those are not
    checked.
    """
    checks = [(name, _identity_problem) for name in value.get("idempotency", ())]
    checks += [
        (value[key], check)
        for key, check in (("version", _version_problem), ("deleted", _deleted_problem))
        if key in value
    ]
    for name, check in checks:
        if name not in names:
            yield f"source: {name} is not a field of the .avsc; {suggest(name, names)}"
        elif (field := record.get(name)) is not None and (problem := check(field)):
            yield f"source: {name} {problem}; choose another field"


def _identity_problem(field: Field) -> str | None:
    if field.nullable:
        return "may be null, so it identifies no record"
    if not isinstance(field.type, SCALARS) or field.type in (Primitive("float"), Primitive("double")):
        return f"is of type {type_name(field.type)}, whose values do not compare"
    return None


def _version_problem(field: Field) -> str | None:
    if field.nullable:
        return "may be null, so it orders no record"
    if not isinstance(field.type, VERSIONS) and field.type not in (Primitive("int"), Primitive("long")):
        return f"is of type {type_name(field.type)}, but a version is an int, a long, a date or a timestamp"
    return None


def _deleted_problem(field: Field) -> str | None:
    return None if field.type == Primitive("boolean") else f"is of type {type_name(field.type)}, not boolean"


def outdated(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield, for each word of an earlier version in a valid value, what to write now."""
    kind = value["kind"]
    if kind in RENAMED:
        yield f"source kind {kind} is now {RENAMED[kind]}; write kind: {RENAMED[kind]}. The next version refuses {kind}"


def source(value: Mapping[str, Any]) -> Source:
    """Return the source of a valid value."""
    kind = RENAMED.get(value["kind"], value["kind"])
    possible = CHANGES.get(kind, ())
    return Source(
        kind,
        value.get("connection", ""),
        value.get("table"),
        value.get("changes") or (possible[0] if possible else None),
        tuple(value.get("idempotency", ())),
        value.get("version"),
        value.get("deleted"),
    )
