"""What a rule of metric invalidValues calls valid."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.contracts.contract import Rule
from headrace.planning.validity import Between, Matching, OneOf, Validity, validity


def rule(arguments: Any) -> Rule:
    return Rule("r", "library", "x", "error", {"metric": "invalidValues", "arguments": arguments, "mustBe": 0})


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"validValues": {"min": 1, "max": 53}}, Between(1, 53)),
        ({"validValues": {"min": 0}}, Between(0, None)),
        ({"validValues": ["a", "b"]}, OneOf(("a", "b"))),
        ({"validValues": []}, OneOf(())),
        ({"pattern": "^[A-Z]+$"}, Matching("^[A-Z]+$")),
    ],
)
def test_a_rule_has_one_condition(arguments: Any, wanted: Validity) -> None:
    assert validity(rule(arguments)) == wanted


@pytest.mark.parametrize("arguments", [None, {}, {"missingValues": [""]}, {"validValues": ["a"], "pattern": "a"}])
def test_a_rule_with_no_condition_or_two_is_refused(arguments: Any) -> None:
    with pytest.raises(ValueError, match="rule r: invalidValues needs arguments"):
        validity(rule(arguments))
