"""Great Expectations is asked what the contract's checks ask, of a Spark DataFrame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyspark.sql import SparkSession

from headrace.contracts.contract import Reference, Rule
from headrace.planning.checks import checks
from headrace.services.quality.outcomes import Outcome, forbids
from headrace.services.quality.validation import validate
from tests.integration.refinement.conftest import ITEMS


def checks_with(*rules: Rule) -> Any:
    return checks(replace(ITEMS, quality=(*ITEMS.quality, *rules)))


def rows(spark: SparkSession, *values: tuple[Any, ...]) -> Any:
    schema = "id long, amount int, owner string, price decimal(12,2), size string, sold_at timestamp"
    return spark.createDataFrame(list(values), schema).selectExpr("*").na.fill({"owner": "ada"})


def test_good_rows_pass_every_check(spark: SparkSession) -> None:
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, tzinfo=UTC)
    good = rows(spark, (1, 0, None, None, "S", at), (2, 9, None, None, None, at))
    found = validate(good, checks_with(), "shop.items")
    assert [(outcome.check, outcome.passed, outcome.observed) for outcome in found if not outcome.passed] == []
    assert [outcome.check for outcome in found] == [check.name for check in checks_with()]
    assert forbids(found) == ()


def test_broken_rules_are_reported_with_the_first_rows_and_by_severity(spark: SparkSession) -> None:
    bad = rows(spark, (1, 99, None, None, "XL", None), (1, 3, None, None, "S", None))
    few = Rule("few", "library", None, "warning", {"metric": "rowCount", "mustBeGreaterThan": 2})
    found = {outcome.check: outcome for outcome in validate(bad, checks_with(few), "shop.items", key=("id",))}
    broken = {name for name, outcome in found.items() if not outcome.passed}
    assert broken == {"key_unique", "sold_at_required", "size_symbol", "amount_range", "few"}
    assert found["amount_range"] == Outcome(
        "amount_range", "error", "amount", False, 1, 'such as {"id": 1, "amount": 99}',
        "expect_column_values_to_be_between", ('{"id": 1, "amount": 99}',),
    )  # fmt: skip
    assert found["few"].observed == "found 2"
    refused = forbids(found.values())
    assert len(refused) == 4
    assert 'amount_range: 1 rows break it, such as {"id": 1, "amount": 99}' in refused


def test_two_equal_rules_have_an_outcome_each(spark: SparkSession) -> None:
    same = Rule("sold_at_nullValues", "library", "sold_at", "warning", {"metric": "nullValues", "mustBe": 0})
    found = {o.check: o for o in validate(rows(spark, (1, 1, None, None, None, None)), checks_with(same), "shop.items")}
    outcomes = [(found[name].passed, found[name].severity) for name in ("sold_at_required", "sold_at_nullValues")]
    assert outcomes == [(False, "error"), (False, "warning")]


def test_a_check_that_cannot_be_evaluated_has_not_passed(spark: SparkSession) -> None:
    lame = Rule("lame", "library", "nowhere", "error", {"metric": "nullValues", "mustBe": 0})
    found = {o.check: o for o in validate(rows(spark, (1, 1, None, None, None, None)), checks_with(lame), "shop.items")}
    assert not found["lame"].passed
    assert "could not be evaluated" in found["lame"].observed


def test_what_a_row_refers_to_must_be_there(spark: SparkSession) -> None:
    referring = replace(ITEMS, references=(Reference("owner_known", ("owner",), "shop.people", ("name",), "warning"),))
    people = spark.createDataFrame([("ada",), ("ada",), ("bob",)], "name string")
    mine = spark.createDataFrame([(1, "ada"), (2, "eve"), (3, "eve"), (4, None)], "id long, owner string")
    (check,) = (c for c in checks(referring) if c.name == "owner_known")
    (found,) = validate(mine, [check], "shop.items", others={"shop.people": people})
    assert found == Outcome(
        "owner_known", "warning", "owner", False, 2, 'such as {"owner": "eve"}', "reference", ('{"owner": "eve"}',)
    )
    (kept,) = validate(mine.where("id < 2"), [check], "shop.items", others={"shop.people": people})
    assert (kept.passed, kept.unexpected) == (True, 0)
    assert validate(mine, [check], "shop.items", others={}) == ()


def test_values_of_classified_fields_are_not_shown(spark: SparkSession) -> None:
    bad = rows(spark, (1, 99, None, None, "S", None), (1, 99, None, None, "S", None))
    found = {
        o.check: o for o in validate(bad, checks_with(), "shop.items", hidden={"amount": "personal", "id": "personal"})
    }
    assert found["amount_range"].examples[0] == '{"amount": "(personal)"}'
    assert "99" not in str(found["amount_range"])
    assert '"id": "(personal)"' in str(found["key_unique"].examples)
