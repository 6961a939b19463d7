"""What is told of checks: words, examples without classified values, what pages list, what OpenLineage gets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.contracts.contract import Rule
from headrace.contracts.loading import load_contracts
from headrace.planning.lineage_datasets import Datasets
from headrace.services.quality.lineage import Checked, assertions
from headrace.services.quality.operators import chosen_datasets
from headrace.services.quality.outcomes import Outcome, examples, forbids, such_as
from headrace.services.quality.pages import Declared, declared
from tests.support.lineage_cases import AT, settings

RETAIL = {c.id: c for c in load_contracts(Path(__file__).parents[4] / "include" / "schemas")}
BAD = Outcome("b", "error", "x", False, 1200, "such as 1", "reference")


def test_only_broken_errors_forbid() -> None:
    assert forbids([BAD, BAD._replace(severity="warning"), BAD._replace(passed=True)]) == (
        "b: 1,200 rows break it, such as 1",
    )


def test_examples_keep_classified_values_to_themselves() -> None:
    shown = examples([{"id": 1, "age": "45-54"}], {"age": "personal"})
    assert [json.loads(row) for row in shown] == [{"id": 1, "age": "(personal)"}]
    assert such_as(shown) == 'such as {"id": 1, "age": "(personal)"}'
    assert such_as(()) == ""
    assert len(such_as(["x" * 600])) == 500


def test_every_rule_is_listed_where_it_is_checked() -> None:
    transactions = RETAIL["retail.transactions"]
    found = {(each.zone, each.name) for each in declared(transactions)}
    assert {("cleaned", "product_id_known"), ("served", "product_id_known")} <= found
    assert ("served", "one_till_per_basket") in found
    assert ("cleaned", "one_till_per_basket") not in found
    assert ("served", "freshness") in found
    text_rule = Rule("said", "text", None, "info", {"description": "Ask the till."})
    assert Declared(None, "said", "info", "Ask the till.") in declared(replace(transactions, quality=(text_rule,)))
    elsewhere = {each.zone for each in declared(replace(transactions, serving="postgres"))}
    assert elsewhere == {"cleaned"}
    assert {each.zone for each in declared(replace(transactions, zones=("raw",)))} == {"served"}


def test_datasets_are_those_that_are_served() -> None:
    elsewhere = replace(RETAIL["retail.coupons"], serving="postgres")
    contracts = {**RETAIL, elsewhere.id: elsewhere}
    served = [dataset for dataset, contract in contracts.items() if contract.serving == "clickhouse"]
    assert elsewhere.id not in served
    assert "platform.dead_letters" not in served
    assert chosen_datasets(contracts, []) == served
    assert chosen_datasets(contracts, "retail.products, retail.campaigns") == ["retail.products", "retail.campaigns"]
    with pytest.raises(ValueError, match=r"retail\.coupons: ClickHouse serves no such dataset"):
        chosen_datasets(contracts, ["retail.coupons"])


def test_openlineage_gets_each_datasets_assertions_by_a_job_of_its_own() -> None:
    known, contract = Datasets(settings()), RETAIL["retail.products"]
    for dataset, job in (
        (known.lake(contract, "cleaned"), "check.cleaned.retail_products"),
        (known.served(contract), "check.retail.products"),
    ):
        start, end = assertions(Checked(dataset, [BAD]), "check_served 1", AT)
        assert [start["eventType"], end["eventType"]] == ["START", "COMPLETE"]
        assert (end["job"]["name"], end["outputs"]) == (job, [])
        (reported,) = end["inputs"]
        assert (reported["namespace"], reported["name"]) == dataset.name
        assert "schema" in reported["facets"]
        (found,) = reported["inputFacets"]["dataQualityAssertions"]["assertions"]
        assert found == {
            "assertion": "reference", "name": "b", "column": "x", "success": False, "severity": "error", "actual": "such as 1",
        }  # fmt: skip
