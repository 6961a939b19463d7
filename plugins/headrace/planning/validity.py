"""Parse the conditions of ODCS rules `invalidValues`, and decide which rules are checked row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from headrace.contracts.contract import Rule


class Between(NamedTuple):
    """Value is between `least` and `most`, inclusive. None means no limit on that side."""

    least: Any
    most: Any


class OneOf(NamedTuple):
    """Value is one of `values`."""

    values: tuple[Any, ...]


class Matching(NamedTuple):
    """Text matches the regular expression."""

    pattern: str


ZERO: Final = {"mustBe": 0}

Validity: TypeAlias = Between | OneOf | Matching


def validity(rule: Rule) -> Validity:
    """Return the validity condition of the rule. Raises ValueError unless it has exactly one."""
    arguments: Mapping[str, Any] = rule.definition.get("arguments") or {}
    values, pattern = arguments.get("validValues"), arguments.get("pattern")
    if (values is None) == (pattern is None):
        raise ValueError(f"rule {rule.name}: invalidValues needs arguments: {{validValues: …}} or {{pattern: …}}")
    if isinstance(values, Mapping):
        return Between(values.get("min"), values.get("max"))
    return OneOf(tuple(values)) if values is not None else Matching(str(pattern))


def is_row_rule(rule: Rule) -> bool:
    """Return whether refinement applies the rule to each row: it is about single rows and its severity is error."""
    metric = rule.definition.get("metric")
    conditions = {key: value for key, value in rule.definition.items() if key.startswith("must")}
    return (
        rule.kind == "library"
        and rule.severity == "error"
        and metric in ("nullValues", "missingValues", "invalidValues")
        and conditions == ZERO
    )
