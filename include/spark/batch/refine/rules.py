"""Row rules of a contract: required fields, enum symbols, and quality rules of severity error about one row.

A row rule requires that no value of a field is null, missing or invalid. Rules about several rows are not applied to
single changes; the audit checks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as f

from headrace.contracts.contract import Contract, Rule
from headrace.contracts.types import Enum
from headrace.planning.validity import Between, Matching, OneOf, is_row_rule, validity


class RowRule(NamedTuple):
    """A row rule: its name, field, violation condition, and the violation in words."""

    name: str
    field: str
    broken: Column
    reason: str


def row_rules(contract: Contract) -> Iterator[RowRule]:
    """Yield all row rules of a contract."""
    for field in contract.record.fields:
        if not field.nullable:
            yield RowRule(f"{field.name}_required", field.name, f.col(field.name).isNull(), f"{field.name} is null")
        if isinstance(field.type, Enum):
            unknown = ~f.col(field.name).isin(list(field.type.symbols))
            yield RowRule(f"{field.name}_symbol", field.name, unknown, f"{field.name} is none of its symbols")
    for rule in contract.quality:
        if rule.field is not None and is_row_rule(rule):
            yield RowRule(rule.name, rule.field, _broken(rule, f.col(rule.field)), f"{rule.field} breaks {rule.name}")


def _broken(rule: Rule, column: Column) -> Column:
    arguments: Mapping[str, Any] = rule.definition.get("arguments") or {}
    match rule.definition["metric"]:
        case "nullValues":
            return column.isNull()
        case "missingValues":
            return column.isNull() | column.isin([v for v in arguments.get("missingValues", ()) if v is not None])
    return column.isNotNull() & ~_valid(column, rule)


def _valid(column: Column, rule: Rule) -> Column:
    match validity(rule):
        case Between(least, most):
            above = f.lit(True) if least is None else column >= f.lit(least)
            return above if most is None else above & (column <= f.lit(most))
        case OneOf(values):
            return column.isin(list(values))
        case Matching(pattern):
            return column.rlike(pattern)
