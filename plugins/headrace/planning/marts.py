"""Marts: which datasets each one reads, from its SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract

_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+cleaned\.([a-z0-9_]+)", re.IGNORECASE)


def marts(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """Those that are made by SQL."""
    return tuple(contract for contract in contracts if contract.source.kind == "mart")


def reads(sql: str, contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    """The datasets whose cleaned tables the SQL reads, in order of their ids.

    Raises ValueError for a table that is none of a contract's, and when it reads none at all.
    """
    known: Mapping[str, Contract] = {names.lake_table(c, "cleaned"): c for c in contracts if "cleaned" in c.zones}
    read = sorted({f"cleaned.{name}" for name in _READ.findall(_COMMENT.sub(" ", sql))})
    if unknown := [table for table in read if table not in known]:
        raise ValueError(f"it reads {', '.join(unknown)}, which no contract has; there are: {', '.join(sorted(known))}")
    if not read:
        raise ValueError("it reads no cleaned table; write FROM cleaned.<domain>_<dataset>")
    return tuple(known[table] for table in read)
