"""From a dropped file and the shop's tables to served marts, by Airflow; what is served is what polars says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import psycopg
import pytest

from headrace.contracts.index import load_index
from include.shop.drop import drop_promotions
from include.shop.source import Sample, promotions
from include.spark.batch.refine.tokens import token
from tests.conftest import Stack
from tests.integration.marts.test_mart_sql import assert_same
from tests.support.marts import household_value, promotion_effectiveness

READ = ("transactions", "products", "promotions", "coupon_redemptions")
BUILT = {"household_value": household_value, "promotion_effectiveness": promotion_effectiveness}
REFINEMENTS = tuple(f"refine_retail_{dataset}" for dataset in READ)
MARTS = tuple(f"mart_{name}" for name in BUILT)


@pytest.fixture(autouse=True, scope="module")
def switched_on(stack: Stack) -> Iterator[None]:
    for dag in (*REFINEMENTS, *MARTS):
        stack.airflow.pause(dag, False)
    yield
    for dag in (*REFINEMENTS, *MARTS):
        stack.airflow.pause(dag, True)


@pytest.fixture
def dropped(stack: Stack) -> pl.DataFrame:
    """A week of promotions, as marketing drops it."""
    s = stack.settings
    keys = f"{s['HEADRACE_S3_ACCESS_KEY']}:{s['HEADRACE_S3_SECRET_KEY']}"
    sample = Sample.of(s["HEADRACE_SAMPLE"])
    drop_promotions(f"http://{keys}@{s.bind}:{s.port('S3')}/landing", [1], sample)
    return promotions(sample).filter(pl.col("week") == 1)


def run(stack: Stack, dag: str, **params: Any) -> None:
    stack.airflow.wait_for_run(dag, stack.airflow.trigger(dag, params), 400, lambda line: None)


def asset_triggered(stack: Stack, dag: str) -> bool:
    return any(each["run_type"] == "asset_triggered" for each in stack.airflow.runs(dag))


def frames(stack: Stack, dropped: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What the source holds now, with tokens as refinement makes them."""
    key = stack.settings["HEADRACE_TOKEN_KEY"].encode()
    found = {"promotions": dropped}
    for dataset in ("transactions", "products", "coupon_redemptions"):
        found[dataset] = _read(stack, dataset)
    for dataset in ("transactions", "coupon_redemptions"):
        households = found[dataset]["household_id"].drop_nulls().unique().to_list()
        tokens = {household: token(key, str(household)) for household in households}
        found[dataset] = found[dataset].with_columns(
            pl.col("household_id").replace_strict(tokens, default=None, return_dtype=pl.String)
        )
    return found


def _read(stack: Stack, dataset: str) -> pl.DataFrame:
    with psycopg.connect(stack.oltp_dsn) as connection:
        cursor = connection.execute(f"SELECT * FROM retail.{dataset}")
        names = [column.name for column in cursor.description or ()]
        return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)


@pytest.mark.timeout(1500)
def test_marts_are_built_when_what_they_read_was_refined_and_are_what_polars_says(
    stack: Stack, dropped: pl.DataFrame, warehouse: Any, eventually: Callable[..., Any]
) -> None:
    lake = stack.systems.lake
    eventually(lambda: lake.records("raw.retail_promotions"), dropped.height, 120)
    for dag in REFINEMENTS:
        run(stack, dag, everything=True)
    for dag in MARTS:
        eventually(lambda dag=dag: asset_triggered(stack, dag), True, 120)
        run(stack, dag)
    contracts, source = load_index(stack.settings.contracts), frames(stack, dropped)
    for name, recomputed in BUILT.items():
        contract = contracts[f"marts.{name}"]
        columns = [field.name for field in contract.record.fields]
        wanted = recomputed(source)
        rows = warehouse(f"SELECT {', '.join(columns)} FROM marts.{name}")
        assert len(rows) == wanted.height > 50
        assert_same(pl.DataFrame(rows, schema=wanted.select(columns).schema, orient="row"), wanted, contract)
    comment = stack.systems.warehouse.comment("marts.household_value")
    table = lake.table("cleaned.marts_household_value")
    assert table
    assert comment == f"snapshot {table.current_snapshot().snapshot_id} of cleaned.marts_household_value"
    assert warehouse("SELECT count() FROM retail.promotions") == [(dropped.height,)]
