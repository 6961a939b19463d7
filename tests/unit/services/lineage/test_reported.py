"""What a task tells OpenLineage, and what Marquez makes of it together with what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.contracts.names import LineageName, clickhouse_lineage, lake_table
from headrace.planning.lineage import declared
from headrace.planning.lineage_datasets import Datasets, copied
from headrace.planning.lineage_events import dataset, events
from headrace.planning.lineage_types import LineageDataset
from headrace.planning.marts import Origin, marts, origins, reads
from headrace.services.lineage.reported import operator_lineage
from tests.support.lineage_cases import AT, run_event, settings
from tests.support.marquez import Marquez

ROOT = Path(__file__).parents[4]
CONTRACTS = load_index(ROOT / "include" / "schemas")
DATASETS = Datasets(settings())
MARTS = marts(CONTRACTS.values())
LAKE, SERVED, SOURCE = "s3://warehouse", "clickhouse://clickhouse:8123", "postgres://postgres:5432"


def sql(mart: Contract) -> str:
    return (ROOT / "include" / "sql" / "marts" / f"{mart.name}.sql").read_text()


def runs(
    job: str, read: Sequence[LineageDataset], made: Sequence[LineageDataset], hours: int
) -> Iterator[dict[str, Any]]:
    """The two events of a task."""
    for state, seconds in (("START", 0), ("COMPLETE", 1)):
        yield run_event(
            job,
            namespace="headrace",
            inputs=list(map(dataset, read)),
            outputs=list(map(dataset, made)),
            state=state,
            seconds=hours * 3600 + seconds,
            run=str(hours),
        )


def exact_lane(hours: int) -> Iterator[dict[str, Any]]:
    """Every refinement, mart and load, once."""
    for contract in CONTRACTS.values():
        if contract.source.kind == "platform":
            continue
        name = f"{contract.domain}_{contract.name}"
        cleaned = DATASETS.lake(contract, "cleaned")
        if contract in MARTS:
            read = [DATASETS.lake(each, "cleaned") for each in reads(sql(contract), CONTRACTS.values())]
            yield from runs(f"mart_{contract.name}.build", read, [DATASETS.mart(contract, found(contract))], hours)
        else:
            raw = DATASETS.lake(contract, "raw")
            yield from runs(f"refine_{name}.refine", [raw], DATASETS.refined(contract), hours)
        if contract.loaded:
            table = DATASETS.loaded(contract, clickhouse_lineage("clickhouse", 8123, contract.id))
            yield from runs(f"serve.{name}", [cleaned], [copied(table, cleaned)], hours)


@cache
def origins_of(mart: str) -> dict[str, tuple[Origin, ...]]:
    return origins(sql(CONTRACTS[mart]), CONTRACTS[mart], CONTRACTS.values())


def found(mart: Contract) -> dict[str, tuple[Origin, ...]]:
    return origins_of(mart.id)


@pytest.fixture(scope="module")
def marquez() -> Marquez:
    """Marquez after two days of applying, refining, building and loading."""
    shown = Marquez()
    for day in range(2):
        at = AT + timedelta(days=day)
        shown.receive(events(declared(CONTRACTS.values(), settings()), plan_version="1", at=at))
        shown.receive(exact_lane(24 * day))
    return shown


def sources(contracts: Iterable[Contract]) -> set[tuple[str, str]]:
    """Where the rows of these datasets come from, outside of the platform."""
    return {
        (SOURCE, f"oltp.{c.source.table}") if c.source.kind == "cdc" else ("s3://landing", f"{c.domain}/{c.name}")
        for c in contracts
    }


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_a_mart_in_the_warehouse_comes_from_the_sources_that_its_sql_reads_and_no_other(
    marquez: Marquez, mart: Contract
) -> None:
    read = reads(sql(mart), CONTRACTS.values())
    upstream = marquez.upstream(LineageName(SERVED, mart.id))
    assert {name for name in upstream if name[0] in (SOURCE, "s3://landing")} == sources(read)
    tables = {f"cleaned/{c.domain}_{c.name}" for c in (mart, *read)} | {f"raw/{c.domain}_{c.name}" for c in read}
    assert {name[1] for name in upstream if name[0] == LAKE} == tables


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_each_column_of_a_mart_comes_from_columns_of_sources(marquez: Marquez, mart: Contract) -> None:
    by_table = {lake_table(contract, "cleaned"): contract for contract in CONTRACTS.values()}
    for column, of in found(mart).items():
        wanted = {(source, field) for table, field in of for source in sources([by_table[table]])}
        ends = marquez.column_origins(LineageName(SERVED, mart.id), column)
        assert ends == (wanted or {((LAKE, f"cleaned/marts_{mart.name}"), column)}), column


def test_nothing_of_it_is_lost(marquez: Marquez) -> None:
    assert marquez.discarded == []
    assert [each.name for each in marquez.datasets if not each.description] == []


def test_refinement_copies_columns_and_masks_what_is_tokenised() -> None:
    contract = CONTRACTS["retail.transactions"]
    by_name = {output.name.name: dataset(output) for output in DATASETS.refined(contract)}
    assert set(by_name) == {f"{zone}/retail_transactions" for zone in ("cleaned", "history", "quarantine")}
    columns = by_name["cleaned/retail_transactions"]["facets"]["columnLineage"]["fields"]
    assert set(columns) == {field.name for field in contract.record.fields}
    (plain,), (hidden,) = columns["store_id"]["inputFields"], columns["household_id"]["inputFields"]
    assert (plain["name"], plain["field"]) == ("raw/retail_transactions", "store_id")
    assert (plain["transformations"], hidden["transformations"]) == (
        [{"type": "DIRECT", "subtype": "IDENTITY"}],
        [{"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}],
    )
    assert set(by_name["quarantine/retail_transactions"]["facets"]["columnLineage"]["fields"]) == set(contract.key)


def test_a_task_reports_how_many_rows_it_changed() -> None:
    made = DATASETS.refined(CONTRACTS["retail.transactions"])
    counted, unknown, _ = operator_lineage((), made, {made[0].name: 4}).outputs
    assert counted.outputFacets["outputStatistics"].rowCount == 4
    assert unknown.outputFacets == {}
    assert counted.facets["symlinks"]["identifiers"][0]["name"] == "cleaned.retail_transactions"


def test_the_columns_of_every_mart_of_the_project_are_known() -> None:
    for mart in MARTS:
        columns = found(mart)
        assert set(columns) == {field.name for field in mart.record.fields}
        for table, field in (origin for each in columns.values() for origin in each):
            (contract,) = (c for c in CONTRACTS.values() if table == f"cleaned.{c.domain}_{c.name}")
            assert contract.record.get(field) is not None, (mart.id, table, field)
