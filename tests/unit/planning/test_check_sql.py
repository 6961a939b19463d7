"""What ClickHouse is asked, from a contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.contract import Contract, Reference, Rule, Source
from headrace.contracts.loading import load_contracts
from headrace.planning.check_sql import CheckQuery, check_queries, one_scan, promised_s, sql_rules
from tests.support.snapshot import as_json
from tests.unit.planning.cases import LINES, VIEWS, assert_snapshot

RETAIL = {c.id: c for c in load_contracts(Path(__file__).parents[3] / "include" / "schemas")}
ZERO = {"mustBe": 0}


def library(metric: str, field: str | None = "quantity", **definition: Any) -> Rule:
    return Rule("own_rule", "library", field, "warning", {"metric": metric, **definition})


def query_of(*rules: Rule, contract: Contract = LINES) -> CheckQuery:
    """The one that is named `own_rule`."""
    ruled = replace(contract, quality=rules)
    (found,) = (each for each in check_queries(ruled, {ruled.id: ruled}) if each.check.name == "own_rule")
    return found


@pytest.mark.parametrize("dataset", sorted(name for name, c in RETAIL.items() if c.serving == "clickhouse"))
def test_queries_of_the_example(dataset: str) -> None:
    contract = RETAIL[dataset]
    found = check_queries(contract, RETAIL)
    scan = one_scan(contract, found)
    parts = [scan.sql, as_json(scan.parameters)]
    parts += [f"-- {each.check.name}: its first rows\n{each.rows.sql if each.rows else 'none'}" for each in found]
    for rule in sql_rules(contract):
        parts.append(f"-- {rule.name} {rule.condition} {rule.wanted}\n{rule.query}\n-- its first rows\n{rule.rows}")
    assert_snapshot(f"{contract.name}.served.sql", "\n\n".join(parts))


@pytest.mark.parametrize(
    ("rule", "measure", "parameters"),
    [
        (library("nullValues", **ZERO), "countIf(`quantity` IS NULL)", {}),
        (
            library("invalidValues", arguments={"validValues": {"min": 1, "max": 2.5}}, **ZERO),
            "countIf(`quantity` IS NOT NULL AND (`quantity` < {least:Int64} OR `quantity` > {most:Float64}))",
            {"least": 1, "most": 2.5},
        ),
        (
            library("invalidValues", arguments={"validValues": ["a'b", "c"]}, **ZERO),
            "countIf(`quantity` IS NOT NULL AND `quantity` NOT IN {values:Array(String)})",
            {"values": ["a'b", "c"]},
        ),
        (
            library("invalidValues", arguments={"validValues": [1, 2.5]}, **ZERO),
            "countIf(`quantity` IS NOT NULL AND `quantity` NOT IN {values:Array(Float64)})",
            {"values": [1, 2.5]},
        ),
        (library("invalidValues", arguments={"validValues": []}, **ZERO), "countIf(`quantity` IS NOT NULL)", {}),
        (
            library("invalidValues", arguments={"pattern": "^a'"}, **ZERO),
            "countIf(`quantity` IS NOT NULL AND NOT match(`quantity`, {pattern:String}))",
            {"pattern": "^a'"},
        ),
        (
            library("missingValues", arguments={"missingValues": [None, -1]}, **ZERO),
            "countIf(`quantity` IS NOT NULL AND `quantity` IN {values:Array(Int64)})",
            {"values": [-1]},
        ),
        (library("missingValues", **ZERO), "countIf(false)", {}),
        (
            library("duplicateValues", **ZERO),
            "countIf(`quantity` IS NOT NULL) - uniqExactIf(`quantity`, `quantity` IS NOT NULL)",
            {},
        ),
        (library("rowCount", None, mustBeGreaterThan=5), "count()", {}),
    ],
)
def test_a_rule_is_queried_with_its_values_as_parameters(rule: Rule, measure: str, parameters: dict[str, Any]) -> None:
    found = query_of(rule)
    assert (found.measure.sql, dict(found.measure.parameters)) == (measure, parameters)


def test_the_parameters_of_many_checks_do_not_meet_and_no_alias_hides_a_field() -> None:
    rules = tuple(
        replace(library("invalidValues", arguments={"validValues": [n]}, **ZERO), name=name)
        for n, name in enumerate(("quantity", "channel` --"))
    )
    ruled = replace(LINES, quality=rules)
    found = check_queries(ruled, {ruled.id: ruled})
    scan = one_scan(ruled, found)
    assert sorted(scan.parameters.values()) == [[0], [1]]
    for name in scan.parameters:
        assert scan.sql.count(f"{{{name}:") == 1
    assert "AS `quantity`" not in scan.sql
    assert "--" not in scan.sql


def test_a_row_count_is_compared_and_rows_are_not() -> None:
    few = query_of(library("rowCount", None, mustBeBetween=[2, 3]))
    assert [few.holds(n) for n in (1, 2, 3, 4)] == [False, True, True, False]
    none = query_of(library("invalidValues", arguments={"validValues": {"min": 3}}, **ZERO))
    assert [none.holds(n) for n in (0, 3)] == [True, False]


def test_what_is_hidden_in_cleaned_is_served_in_clear_and_its_symbols_are_checked() -> None:
    enum = next(f.name for f in VIEWS.record.fields if type(f.type).__name__ == "Enum")
    hidden = replace(VIEWS, tokenised=(enum,))
    assert f"{enum}_symbol" in [each.check.name for each in check_queries(hidden, {hidden.id: hidden})]


def test_a_reference_is_checked_on_the_other_view_unless_it_is_served_elsewhere() -> None:
    other = replace(LINES, id="retail.baskets", name="baskets")
    reference = Reference("own_rule", ("basket_id", "household_id"), other.id, ("basket_id", "household_id"))
    mine = replace(LINES, references=(reference,))
    (found,) = (e for e in check_queries(mine, {mine.id: mine, other.id: other}) if e.check.name == "own_rule")
    assert found.measure.sql == (
        "countIf(`basket_id` IS NOT NULL AND `household_id` IS NOT NULL AND (`basket_id`, `household_id`) NOT IN"
        " (SELECT `basket_id`, `household_id` FROM `retail`.`baskets`))"
    )
    elsewhere = {mine.id: mine, other.id: replace(other, serving="postgres")}
    assert "own_rule" not in [each.check.name for each in check_queries(mine, elsewhere)]


def test_a_sql_rule_is_its_authors_query_of_the_view() -> None:
    query = "select count(*) from {object} where {property} > 1 ;"
    (rule,) = sql_rules(replace(LINES, quality=(Rule("r", "sql", "quantity", "error", {"query": query, **ZERO}),)))
    assert rule.query == "select count(*) from `retail`.`basket_lines` where `quantity` > 1"
    assert rule.rows == "SELECT * FROM (SELECT * FROM `retail`.`basket_lines` where `quantity` > 1) LIMIT 5"
    ratio = {"query": "SELECT avg(quantity) FROM ${object}", "mustBeBetween": [1, 2]}
    (rule,) = sql_rules(replace(LINES, quality=(Rule("r", "sql", None, "error", ratio),)))
    assert (rule.query, rule.rows) == ("SELECT avg(quantity) FROM `retail`.`basket_lines`", None)
    assert [rule.holds(n) for n in (0.9, 1, 2.0, 2.1)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("condition", "wanted", "holds"),
    [
        ("mustBe", 1, (False, True, False)),
        ("mustNotBe", 1, (True, False, True)),
        ("mustBeGreaterThan", 1, (False, False, True)),
        ("mustBeGreaterOrEqualTo", 1, (False, True, True)),
        ("mustBeLessThan", 1, (True, False, False)),
        ("mustBeLessOrEqualTo", 1, (True, True, False)),
        ("mustBeBetween", [1, 2], (False, True, True)),
        ("mustNotBeBetween", [1, 2], (True, False, False)),
    ],
)
def test_every_condition_holds_when_it_says_so(condition: str, wanted: Any, holds: tuple[bool, ...]) -> None:
    definition = {"query": "SELECT 1", condition: wanted}
    (rule,) = sql_rules(replace(LINES, quality=(Rule("r", "sql", None, "error", definition),)))
    assert tuple(rule.holds(n) for n in (0, 1, 2)) == holds


def test_what_a_load_serves_is_hidden_as_in_cleaned_and_meets_no_stream_in_clear() -> None:
    enum = next(f.name for f in VIEWS.record.fields if type(f.type).__name__ == "Enum")
    hidden = replace(VIEWS, tokenised=(enum,), source=Source("file", "landing"), freshness_s=5.0)
    assert f"{enum}_symbol" not in [each.check.name for each in check_queries(hidden, {hidden.id: hidden})]
    assert promised_s(hidden) is None
    assert promised_s(replace(VIEWS, freshness_s=5.0)) == 5.0
    reference = Reference("own_rule", ("household_id",), "retail.baskets", ("household_id",))
    mine = replace(LINES, references=(reference,), tokenised=("household_id",))
    for source, names_found in ((LINES.source, ["own_rule"]), (Source("file", "landing"), [])):
        other = replace(LINES, id="retail.baskets", source=source)
        found = check_queries(mine, {mine.id: mine, other.id: other})
        assert [each.check.name for each in found if each.check.name == "own_rule"] == names_found
