"""Compare column types: decide whether a type change keeps every stored value."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["same", "widened", "relaxed", "tightened", "changed"]
"""Result of the comparison.

widened: holds more values. relaxed: may now be null (and may be wider). tightened: must no longer be null.
changed: stored values would change or be lost.
"""

WIDENINGS: Final = frozenset(
    {
        ("int", "long"),
        ("float", "double"),
        ("Int32", "Int64"),
        ("Float32", "Float64"),
        ("integer", "bigint"),
        ("real", "double precision"),
    }
)
"""Pairs (old, new) of plain types, in the spelling of Iceberg, ClickHouse and PostgreSQL."""

_DECIMAL: Final = re.compile(r"(?:[Dd]ecimal|numeric)\((\d+), ?(\d+)\)")


def compare(before: str, after: str) -> Verdict:
    """Classify a type change. Both types are in canonical spelling (`canonical`)."""
    if before == after:
        return "same"
    (old, was_nullable), (new, is_nullable) = _plain(before), _plain(after)
    if old != new and not widens(old, new):
        return "changed"
    if was_nullable and not is_nullable:
        return "tightened"
    return "relaxed" if is_nullable and not was_nullable else "widened"


def holds_null(text: str) -> bool:
    """Return whether a ClickHouse type is nullable."""
    return _plain(text)[1]


def widens(old: str, new: str) -> bool:
    """Return whether every value of the old plain type is a value of the new type, in the same representation."""
    return (old, new) in WIDENINGS or _decimal_grows(old, new)


def _decimal_grows(old: str, new: str) -> bool:
    was, is_ = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    return bool(was and is_ and was[2] == is_[2] and int(was[1]) < int(is_[1]))


def _plain(text: str) -> tuple[str, bool]:
    """Return the type without `Nullable`, and whether it was nullable. Iceberg's types have no `Nullable`."""
    if text.startswith("LowCardinality(Nullable("):
        return f"LowCardinality({text[24:-2]})", True
    if text.startswith("Nullable("):
        return text[9:-1], True
    return text, False
