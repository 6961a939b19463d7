"""How one column type relates to another: which changes keep every stored value as it is."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["same", "widened", "relaxed", "tightened", "changed"]
"""widened: holds more values. relaxed: may now be null (and may be wider). tightened: no longer
may be null. changed: stored values would change or be lost."""

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
"""Pairs of plain types, in Iceberg's, ClickHouse's and PostgreSQL's words."""

_DECIMAL: Final = re.compile(r"(?:[Dd]ecimal|numeric)\((\d+), ?(\d+)\)")


def compare(before: str, after: str) -> Verdict:
    """Judge a change of type; both in the normal spelling of `normal`."""
    if before == after:
        return "same"
    (old, was_nullable), (new, is_nullable) = _plain(before), _plain(after)
    if old != new and not widens(old, new):
        return "changed"
    if was_nullable and not is_nullable:
        return "tightened"
    return "relaxed" if is_nullable and not was_nullable else "widened"


def holds_null(text: str) -> bool:
    """Whether a ClickHouse type has a null."""
    return _plain(text)[1]


def widens(old: str, new: str) -> bool:
    """Whether every value of the old plain type is one of the new type, written the same."""
    return (old, new) in WIDENINGS or _decimal_grows(old, new)


def _decimal_grows(old: str, new: str) -> bool:
    was, is_ = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    return bool(was and is_ and was[2] == is_[2] and int(was[1]) < int(is_[1]))


def _plain(text: str) -> tuple[str, bool]:
    """The type without `Nullable`, and whether it had it; Iceberg's types have none."""
    if text.startswith("LowCardinality(Nullable("):
        return f"LowCardinality({text[24:-2]})", True
    if text.startswith("Nullable("):
        return text[9:-1], True
    return text, False
