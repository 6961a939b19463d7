"""Read from a mart's SQL which datasets it reads, and from which fields its columns are computed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract

if TYPE_CHECKING:
    from sqlglot import exp

_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+cleaned\.([a-z0-9_]+)", re.IGNORECASE)

Origin: TypeAlias = tuple[str, str]
"""Lake table and field."""


def marts(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Return the contracts of marts."""
    return tuple(contract for contract in contracts if contract.source.kind == "mart")


def reads(sql: str, contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Return the datasets whose cleaned tables the SQL reads, in order of their ids.

    Raises ValueError when a table belongs to no contract, and when the SQL reads no cleaned table.
    """
    known: Mapping[str, Contract] = {names.lake_table(c, "cleaned"): c for c in contracts if "cleaned" in c.zones}
    read = sorted({f"cleaned.{name}" for name in _READ.findall(_COMMENT.sub(" ", sql))})
    if unknown := [table for table in read if table not in known]:
        raise ValueError(
            f"it reads {', '.join(unknown)}, which no contract declares; known: {', '.join(sorted(known))}"
        )
    if not read:
        raise ValueError("it reads no cleaned table; write FROM cleaned.<domain>_<dataset>")
    return tuple(known[table] for table in read)


def origins(sql: str, mart: Contract, contracts: Iterable[Contract]) -> dict[str, tuple[Origin, ...]]:
    """Return column of the mart → the fields of cleaned tables that it is computed from.

    The fields are empty for a column that only counts rows.

    Raises sqlglot.errors.SqlglotError when the SQL cannot be read or lacks a column.
    """
    from sqlglot import exp
    from sqlglot.lineage import lineage

    tables = {
        names.lake_table(c, "cleaned").partition(".")[2]: c.record.fields for c in contracts if "cleaned" in c.zones
    }
    schema = {"cleaned": {table: {field.name: "string" for field in fields} for table, fields in tables.items()}}

    def of(column: str) -> tuple[Origin, ...]:
        leaves = lineage(column, sql, schema=schema, dialect="spark").walk()
        found = {(_table(x.source), x.name.rpartition(".")[2]) for x in leaves if isinstance(x.source, exp.Table)}
        return tuple(sorted((table, field) for table, field in found if field != "*"))

    return {field.name: of(field.name) for field in mart.record.fields}


def _table(found: exp.Table) -> str:
    return f"{found.db}.{found.name}"
