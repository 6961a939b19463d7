"""What makes a value valid, by a rule of metric `invalidValues`: read once, for all who ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from headrace.contracts.contract import Rule


class Between(NamedTuple):
    """Not below `least` and not above `most`; None: no limit."""

    least: Any
    most: Any


class OneOf(NamedTuple):
    """One of these."""

    values: tuple[Any, ...]


class Matching(NamedTuple):
    """The text matches the regular expression."""

    pattern: str


Validity: TypeAlias = Between | OneOf | Matching


def validity(rule: Rule) -> Validity:
    """What the rule calls valid. Raises ValueError when it says nothing, or two things at once."""
    arguments: Mapping[str, Any] = rule.definition.get("arguments") or {}
    values, pattern = arguments.get("validValues"), arguments.get("pattern")
    if (values is None) == (pattern is None):
        raise ValueError(f"rule {rule.name}: invalidValues needs arguments: {{validValues: …}} or {{pattern: …}}")
    if isinstance(values, Mapping):
        return Between(values.get("min"), values.get("max"))
    return OneOf(tuple(values)) if values is not None else Matching(str(pattern))
