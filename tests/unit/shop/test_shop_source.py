from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from include.shop import source
from include.shop.errors import ShopError
from include.shop.source import DATASETS, Sample, frame, package_file

SCHEMAS = Path(__file__).parents[3] / "include" / "schemas" / "retail"
ROWS = {
    "transactions": 1_469_307,
    "products": 92_331,
    "households": 801,
    "campaigns": 6_589,
    "campaign_descriptions": 27,
    "coupons": 116_204,
    "coupon_redemptions": 2_102,
}
KEYS = {
    "transactions": ["basket_id", "product_id"],
    "products": ["product_id"],
    "households": ["household_id"],
    "campaigns": ["campaign_id", "household_id"],
    "campaign_descriptions": ["campaign_id"],
    "coupons": ["coupon_id"],
    "coupon_redemptions": ["household_id", "coupon_upc", "campaign_id", "redemption_date"],
}


@pytest.fixture(scope="module")
def year() -> pl.DataFrame:
    return frame("transactions")


def test_there_is_one_contract_for_each_dataset() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.avsc")} - {"promotions"} == set(DATASETS) == set(ROWS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_row_is_there_under_a_unique_key_in_the_contracts_columns(dataset: str) -> None:
    rows = frame(dataset)
    fields = json.loads((SCHEMAS / f"{dataset}.avsc").read_text())["fields"]

    assert rows.height == ROWS[dataset]
    assert rows.select(KEYS[dataset]).is_duplicated().sum() == 0
    assert rows.columns == [field["name"] for field in fields]
    for field in fields:
        may_be_null = isinstance(field["type"], list)
        assert may_be_null or rows[field["name"]].null_count() == 0, field["name"]


def test_amounts_are_the_packages_to_the_cent(year: pl.DataFrame) -> None:
    floats = pl.read_parquet(package_file("transactions")).sort("basket_id", "product_id")
    decimals = year.sort("basket_id", "product_id")
    for given, name in source.MONEY.items():
        assert year[name].dtype == pl.Decimal(12, 2)
        assert (floats[given] - decimals[name].cast(pl.Float64)).abs().max() < 1e-9


def test_baskets_come_whole_and_in_time_order(year: pl.DataFrame) -> None:
    assert year["checked_out_at"].is_sorted()
    assert year["basket_id"].rle().len() == year["basket_id"].n_unique()


@pytest.mark.parametrize("sample", [Sample(rows=1000), Sample(share=0.01)])
def test_a_sample_keeps_whole_baskets(year: pl.DataFrame, sample: Sample) -> None:
    kept = frame("transactions", sample)
    whole = year.join(kept.select("basket_id").unique(), on="basket_id", how="semi")

    assert 0 < kept.height == whole.height < year.height / 50
    assert kept.equals(frame("transactions", sample))
    for dataset in ("products", "coupons"):
        assert set(frame(dataset, sample)["product_id"]) <= set(kept["product_id"])
    assert frame("campaigns", sample).height == ROWS["campaigns"]


def test_a_sample_by_rows_ends_with_the_basket_of_the_last_one(year: pl.DataFrame) -> None:
    kept = frame("transactions", Sample(rows=1000))
    assert kept.equals(year.head(kept.height))
    assert kept["basket_id"][-1] == year["basket_id"][999]


def test_a_share_takes_about_that_share() -> None:
    assert frame("transactions", Sample(share=0.05)).height == pytest.approx(73_465, rel=0.05)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, Sample()),
        ("all", Sample()),
        ("", Sample()),
        (1.0, Sample()),
        ("0.25", Sample(share=0.25)),
        (0.25, Sample(share=0.25)),
        ("5000", Sample(rows=5000)),
        (1, Sample(rows=1)),
        (Sample(rows=7), Sample(rows=7)),
    ],
)
def test_a_sample_is_read_and_written_back(given: object, meant: Sample) -> None:
    assert Sample.of(given) == meant
    assert Sample.of(str(meant)) == meant


@pytest.mark.parametrize("given", ["some", "-1", "0", "2.5", "inf", "nan"])
def test_what_is_not_a_sample_is_refused_in_a_sentence(given: str) -> None:
    with pytest.raises(ShopError, match="sample must be a share"):
        Sample.of(given)


def test_an_unknown_dataset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ShopError, match=r"dataset must be one of .*coupon_redemptions.*; got 'promotions'"):
        frame("promotions")
