"""Every mart against polars, over the package's own files; and what building one again does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyspark.sql import SparkSession

from headrace.contracts.contract import Contract
from headrace.contracts.index import contracts_folder, load_index
from headrace.planning.marts import marts, reads
from headrace.planning.refined import refined_tables
from include.shop.source import DATASETS, Sample, frame, promotions
from include.spark.batch.marts.engine import WrongColumns, build
from tests.support.marts import MARTS
from tests.support.spark_tables import create_table

ROOT = Path(__file__).parents[3]
SQL = ROOT / "include" / "sql" / "marts"
CONTRACTS = load_index(contracts_folder(ROOT))
SAMPLE = Sample(rows=20_000)


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    """The package's rows as they are in cleaned; a token is any text that stands for the household."""
    found = {name: frame(name, SAMPLE) for name in DATASETS} | {"promotions": promotions(SAMPLE)}
    return {
        name: rows.with_columns(pl.col("household_id").cast(pl.String).str.reverse())
        if "household_id" in rows
        else rows
        for name, rows in found.items()
    }


@pytest.fixture(scope="module")
def cleaned(spark: SparkSession, frames: dict[str, pl.DataFrame], tmp_path_factory: Any) -> Iterator[SparkSession]:
    """The cleaned tables that marts read, in a lake in a folder."""
    folder = tmp_path_factory.mktemp("frames")
    for name, rows in frames.items():
        place = folder / f"{name}.parquet"
        rows.write_parquet(place)
        spark.read.parquet(str(place)).writeTo(f"lake.cleaned.retail_{name}").createOrReplace()
    spark.catalog.setCurrentCatalog("lake")
    yield spark
    spark.catalog.setCurrentCatalog("spark_catalog")


def mart(name: str) -> Contract:
    return CONTRACTS[f"marts.{name}"]


def sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()


def built(spark: SparkSession, name: str) -> pl.DataFrame:
    rows = spark.table(f"lake.cleaned.marts_{name}").toArrow()
    found = pl.from_arrow(rows)
    assert isinstance(found, pl.DataFrame)
    return found


def anew(spark: SparkSession, name: str) -> None:
    for resource in refined_tables(mart(name)):
        create_table(spark, resource)


def test_every_mart_has_sql_and_a_recomputation() -> None:
    declared = {contract.name for contract in marts(CONTRACTS.values())}
    assert declared == {path.stem for path in SQL.glob("*.sql")} == set(MARTS)
    for name in declared:
        assert reads(sql(name), CONTRACTS.values())


@pytest.mark.parametrize("name", sorted(MARTS))
def test_a_mart_equals_its_recomputation_by_polars(
    cleaned: SparkSession, frames: dict[str, pl.DataFrame], name: str
) -> None:
    anew(cleaned, name)
    done = build(cleaned, mart(name), sql(name), lambda zones: ())
    wanted = MARTS[name](frames)
    assert done["changed"] == {"cleaned": {"insert": wanted.height}}
    assert wanted.height > 20
    assert_same(built(cleaned, name), wanted, mart(name))


def test_a_second_build_writes_nothing(cleaned: SparkSession) -> None:
    anew(cleaned, "coupon_return")
    build(cleaned, mart("coupon_return"), sql("coupon_return"), lambda zones: ())
    assert build(cleaned, mart("coupon_return"), sql("coupon_return"), lambda zones: ())["changed"] == {}


def test_only_what_differs_is_written(cleaned: SparkSession, frames: dict[str, pl.DataFrame]) -> None:
    anew(cleaned, "store_daily")
    build(cleaned, mart("store_daily"), sql("store_daily"), lambda zones: ())
    first = frames["transactions"].row(0, named=True)
    one_day = (
        f"store_id = {first['store_id']} AND CAST(checked_out_at AS DATE) = DATE '{first['checked_out_at']:%Y-%m-%d}'"
    )
    without = sql("store_daily").replace(
        "cleaned.retail_transactions", f"(SELECT * FROM cleaned.retail_transactions WHERE NOT ({one_day}))"
    )
    done = build(cleaned, mart("store_daily"), without, lambda zones: ())
    assert done["changed"] == {"cleaned": {"delete": 1}}


def test_a_column_that_is_not_declared_is_refused(cleaned: SparkSession) -> None:
    anew(cleaned, "store_daily")
    with pytest.raises(WrongColumns, match="not declared: mood"):
        build(cleaned, mart("store_daily"), f"SELECT *, 1 AS mood FROM ({sql('store_daily')})", lambda zones: ())


def assert_same(found: pl.DataFrame, wanted: pl.DataFrame, contract: Contract) -> None:
    """The same rows; floating numbers to nine digits."""
    columns = [field.name for field in contract.record.fields]
    assert set(wanted.columns) == set(columns)
    exact, near = [], []
    for name in columns:
        (near if found[name].dtype.is_float() else exact).append(name)
    found, wanted = (rows.select(columns).sort(contract.key) for rows in (found, wanted))
    for name in exact:
        assert found[name].to_list() == wanted[name].to_list(), name
    for name in near:
        assert found[name].to_list() == pytest.approx(wanted[name].to_list(), rel=1e-9), name
