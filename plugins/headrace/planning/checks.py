"""Derive a dataset's data quality checks from its contract, as data for Great Expectations.

A check is one expectation, with its name in Great Expectations and its arguments
(https://greatexpectations.io/expectations/), or a reference to another dataset. Sources of checks:

- The record: required fields are not null, the key is unique, an enum has only its symbols.
- Rules of type library: the declared condition.
- Relationships: the referenced rows exist.

Rules of type sql are about the served table: see `check_sql`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.contracts.contract import Contract, Reference, Rule, Severity
from headrace.contracts.types import Enum
from headrace.planning.validity import Between, Matching, OneOf, validity


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation."""

    name: str
    """Name, unique within the dataset; the rule's name when there is a rule."""
    expectation: str
    """Name in snake case, as Great Expectations shows it in results; or REFERENCE."""
    arguments: Mapping[str, Any] = field(hash=False)
    severity: Severity = "error"
    field: str | None = None
    """The field that is checked; None for the whole dataset."""


def checks(contract: Contract) -> tuple[Check, ...]:
    """Return every check of the dataset in cleaned, those of the record first.

    Raises ValueError for a rule that cannot be checked.
    """
    rules = (check for rule in contract.quality if (check := _of_rule(rule)))
    return (*_of_shape(contract), *rules, *(_of_reference(reference) for reference in contract.references))


def _of_shape(contract: Contract) -> Iterator[Check]:
    yield Check("key_unique", *_unique(contract.identity))
    for declared in contract.record.fields:
        if not declared.nullable:
            yield _not_null(f"{declared.name}_required", declared.name, "error")
        if isinstance(declared.type, Enum) and declared.name not in contract.tokenised:
            arguments = {"column": declared.name, "value_set": list(declared.type.symbols)}
            yield Check(f"{declared.name}_symbol", IN_SET, arguments, "error", declared.name)


def _of_reference(reference: Reference) -> Check:
    arguments = {"columns": list(reference.fields), "dataset": reference.dataset, "to": list(reference.to)}
    only = reference.fields[0] if len(reference.fields) == 1 else None
    return Check(reference.name, REFERENCE, arguments, reference.severity, only)


def _of_rule(rule: Rule) -> Check | None:
    """Return the check of a rule. Return None for other types: sql runs in the warehouse, text is for people."""
    if rule.kind != "library":
        return None
    metric, conditions = rule.definition["metric"], {k: v for k, v in rule.definition.items() if k.startswith("must")}
    arguments: Mapping[str, Any] = rule.definition.get("arguments") or {}
    if metric == "rowCount":
        return Check(rule.name, ROW_COUNT, _between(rule, conditions), rule.severity)
    if conditions != {"mustBe": 0}:
        raise ValueError(
            f"rule {rule.name}: {metric} supports only the condition mustBe: 0; write it, or a rule of type sql"
        )
    if metric == "duplicateValues":
        columns = tuple(arguments.get("properties") or (rule.field,))
        return Check(rule.name, *_unique(columns), rule.severity, rule.field)
    if rule.field is None:
        raise ValueError(f"rule {rule.name}: {metric} needs a field; put it under a property")
    if metric == "nullValues":
        return _not_null(rule.name, rule.field, rule.severity)
    if metric == "missingValues":
        missing = [value for value in arguments.get("missingValues", ()) if value is not None]
        return Check(rule.name, NOT_IN_SET, {"column": rule.field, "value_set": missing}, rule.severity, rule.field)
    return _valid(rule, rule.field)


def _valid(rule: Rule, column: str) -> Check:
    match validity(rule):
        case Between(least, most):
            expectation, arguments = BETWEEN, {"min_value": least, "max_value": most}
        case OneOf(values):
            expectation, arguments = IN_SET, {"value_set": list(values)}
        case Matching(pattern):
            expectation, arguments = REGEX, {"regex": pattern}
    return Check(rule.name, expectation, {"column": column, **arguments}, rule.severity, column)


def _between(rule: Rule, conditions: Mapping[str, Any]) -> dict[str, Any]:
    (operator, value), *_ = conditions.items()
    limits = _LIMITS.get(operator)
    if limits is None:
        raise ValueError(f"rule {rule.name}: rowCount does not support {operator}")
    least, most = limits(value)
    return {"min_value": least, "max_value": most}


def _unique(columns: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    if len(columns) == 1:
        return UNIQUE, {"column": columns[0]}
    return UNIQUE_TOGETHER, {"column_list": list(columns)}


def _not_null(name: str, column: str, severity: Severity) -> Check:
    return Check(name, NOT_NULL, {"column": column}, severity, column)


REFERENCE: Final = "reference"
"""Own check, not an expectation: values of `columns` exist in the columns `to` of `dataset`. Nulls are ignored."""
UNIQUE: Final = "expect_column_values_to_be_unique"
UNIQUE_TOGETHER: Final = "expect_compound_columns_to_be_unique"
NOT_NULL: Final = "expect_column_values_to_not_be_null"
BETWEEN: Final = "expect_column_values_to_be_between"
IN_SET: Final = "expect_column_values_to_be_in_set"
NOT_IN_SET: Final = "expect_column_values_to_not_be_in_set"
REGEX: Final = "expect_column_values_to_match_regex"
ROW_COUNT: Final = "expect_table_row_count_to_be_between"

_LIMITS: Final[Mapping[str, Any]] = {
    "mustBe": lambda value: (value, value),
    "mustBeGreaterThan": lambda value: (value + 1, None),
    "mustBeGreaterOrEqualTo": lambda value: (value, None),
    "mustBeLessThan": lambda value: (None, value - 1),
    "mustBeLessOrEqualTo": lambda value: (None, value),
    "mustBeBetween": lambda value: (value[0], value[1]),
}
"""Condition of a rule → minimum and maximum, inclusive; None: no limit."""
