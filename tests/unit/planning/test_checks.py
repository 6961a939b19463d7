"""What Great Expectations is asked, from a contract."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.contract import Rule
from headrace.contracts.loading import load_contracts
from headrace.planning.checks import checks
from tests.support.snapshot import as_json
from tests.unit.planning.cases import LINES, VIEWS, assert_snapshot

RETAIL = {c.name: c for c in load_contracts(Path(__file__).parents[3] / "include" / "schemas")}
ZERO = {"mustBe": 0}


def rule(metric: str, field: str | None = "quantity", **definition: Any) -> Rule:
    return Rule("own_rule", "library", field, "warning", {"metric": metric, **definition})


def check_of(declared: Rule) -> dict[str, Any]:
    """The check of one rule."""
    (check,) = (c for c in checks(replace(LINES, quality=(declared,))) if c.name == "own_rule")
    assert (check.severity, check.field) == ("warning", declared.field)
    return {check.expectation: dict(check.arguments)}


@pytest.mark.parametrize("name", sorted(name for name, c in RETAIL.items() if "cleaned" in c.zones))
def test_checks_of_the_example(name: str) -> None:
    assert_snapshot(f"{name}.checks.json", as_json([asdict(check) for check in checks(RETAIL[name])]))


def test_the_shape_is_checked() -> None:
    names = [check.name for check in checks(replace(LINES, quality=()))]
    required = [f"{f.name}_required" for f in LINES.record.fields if not f.nullable]
    assert names == ["key_unique", *required]


def test_an_enum_has_its_symbols_unless_it_is_hidden() -> None:
    enum = next(f.name for f in VIEWS.record.fields if type(f.type).__name__ == "Enum")
    assert f"{enum}_symbol" in [check.name for check in checks(VIEWS)]
    hidden = replace(VIEWS, tokenised=(enum,))
    assert f"{enum}_symbol" not in [check.name for check in checks(hidden)]


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        (rule("nullValues", **ZERO), {"expect_column_values_to_not_be_null": {"column": "quantity"}}),
        (
            rule("invalidValues", arguments={"validValues": {"min": 1}}, **ZERO),
            {"expect_column_values_to_be_between": {"column": "quantity", "min_value": 1, "max_value": None}},
        ),
        (
            rule("invalidValues", arguments={"validValues": [1, 2]}, **ZERO),
            {"expect_column_values_to_be_in_set": {"column": "quantity", "value_set": [1, 2]}},
        ),
        (
            rule("invalidValues", arguments={"pattern": "^a"}, **ZERO),
            {"expect_column_values_to_match_regex": {"column": "quantity", "regex": "^a"}},
        ),
        (
            rule("missingValues", arguments={"missingValues": [None, -1]}, **ZERO),
            {"expect_column_values_to_not_be_in_set": {"column": "quantity", "value_set": [-1]}},
        ),
        (rule("duplicateValues", **ZERO), {"expect_column_values_to_be_unique": {"column": "quantity"}}),
        (
            rule("duplicateValues", None, arguments={"properties": ["basket_id", "quantity"]}, **ZERO),
            {"expect_compound_columns_to_be_unique": {"column_list": ["basket_id", "quantity"]}},
        ),
        (rule("rowCount", None, mustBeGreaterThan=5), {"expect_table_row_count_to_be_between": {"min_value": 6, "max_value": None}}),
        (rule("rowCount", None, mustBeLessThan=5), {"expect_table_row_count_to_be_between": {"min_value": None, "max_value": 4}}),
        (rule("rowCount", None, mustBeBetween=[1, 5]), {"expect_table_row_count_to_be_between": {"min_value": 1, "max_value": 5}}),
    ],
)  # fmt: skip
def test_a_rule_becomes_a_check(declared: Rule, wanted: dict[str, Any]) -> None:
    assert check_of(declared) == wanted


def test_rules_that_run_elsewhere_are_no_checks() -> None:
    sql = Rule("elsewhere", "sql", None, "error", {"query": "SELECT 0", "mustBe": 0})
    assert "elsewhere" not in [check.name for check in checks(replace(LINES, quality=(sql,)))]


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (rule("nullValues", mustBeLessThan=3), "nullValues supports only the condition mustBe: 0"),
        (rule("nullValues", None, **ZERO), "needs a field"),
        (rule("rowCount", None, mustNotBe=3), "rowCount does not support mustNotBe"),
        (rule("invalidValues", **ZERO), "invalidValues needs arguments"),
    ],
)
def test_a_rule_that_cannot_be_checked_is_an_error(declared: Rule, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_of(declared)
