"""What Marquez shows of the declared lineage: whole paths, of every column, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from headrace.contracts.contract import Contract
from headrace.contracts.names import LineageName
from headrace.planning.lineage import declared
from headrace.planning.lineage_events import events
from headrace.planning.lineage_types import metric_tables
from tests.support.lineage_cases import AT, ROOT, contracts, settings
from tests.support.marquez import Marquez

SOURCE, KAFKA, LAKE, SERVED = (
    "postgres://postgres:5432",
    "kafka://kafka:9092",
    "s3://warehouse",
    "clickhouse://clickhouse:8123",
)
METRICS = metric_tables(json.loads((ROOT / "include" / "sql" / "metrics" / "lineage.json").read_text()))


def shown(ours: Sequence[Contract], times: int = 2) -> Marquez:
    """Marquez after the contracts were applied so many times."""
    marquez = Marquez()
    for number in range(times):
        jobs = declared(ours, settings(), METRICS)
        marquez.receive(events(jobs, plan_version="1", at=AT + timedelta(hours=number)))
    return marquez


STREAMED = [contract.name for contract in contracts() if contract.streamed]


@pytest.mark.parametrize("name", STREAMED)
def test_a_dataset_comes_from_its_own_table_and_nothing_else(name: str) -> None:
    ours = contracts()
    marquez, (contract,) = shown(ours), contracts(name)
    chain = {(SOURCE, f"oltp.retail.{name}"), (KAFKA, f"oltp.retail.{name}")}
    assert marquez.upstream(LineageName(LAKE, f"raw/retail_{name}")) == chain
    assert marquez.upstream(LineageName(SERVED, f"retail.{name}")) == chain | {(SERVED, f"retail.{name}_state")}
    for field in contract.record.fields:
        origins = marquez.column_origins(LineageName(SERVED, f"retail.{name}"), field.name)
        assert origins == {((SOURCE, f"oltp.retail.{name}"), field.name)}


def test_the_picture_of_a_dataset_shows_no_other() -> None:
    shown_there = shown(contracts()).around(LineageName(SERVED, "retail.campaigns"))
    assert {name.rpartition("/")[2].removeprefix("retail_") for _, name in shown_there} == {
        "oltp.retail.campaigns", "campaigns", "retail.campaigns_state", "retail.campaigns_changes", "retail.campaigns",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("view", "column", "origins"),
    [
        ("store", "sales", {("transactions", "sales_value")}),
        ("store", "baskets", {("transactions", "basket_id")}),
        ("department", "department", {("products", "department"), ("transactions", "product_id")}),
    ],
)
def test_a_metric_comes_from_the_columns_of_its_facts(view: str, column: str, origins: set[tuple[str, str]]) -> None:
    found = shown(contracts()).column_origins(LineageName(SERVED, f"metrics.sales_by_minute_{view}"), column)
    assert found == {((SOURCE, f"oltp.retail.{dataset}"), field) for dataset, field in origins}


def test_no_column_is_lost_and_each_dataset_keeps_its_description_owner_and_tags() -> None:
    ours = contracts()
    marquez = shown(ours)
    assert marquez.discarded == []
    assert [dataset.name for dataset in marquez.datasets if not dataset.description] == []
    topic = marquez.dataset((KAFKA, "oltp.retail.households")).facets
    assert topic["datasetType"]["datasetType"] == "TOPIC"
    tagged = {contract.name for contract in ours if contract.classifications and contract.streamed}
    assert tagged == {
        dataset.name[1].removeprefix("oltp.retail.")
        for dataset in marquez.datasets
        if dataset.name[0] == KAFKA and "tags" in dataset.facets
    }
