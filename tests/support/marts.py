"""The marts, worked out by polars: what include/sql/marts should give, by another engine and other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import polars as pl

Frames: TypeAlias = Mapping[str, pl.DataFrame]
"""Dataset without its domain → rows, households as they are in cleaned."""

DISCOUNT: Final = pl.sum_horizontal("retail_discount", "coupon_discount", "coupon_match_discount")
SUMS: Final = (
    pl.col("basket_id").n_unique().cast(pl.Int64).alias("baskets"),
    pl.col("household_id").drop_nulls().n_unique().cast(pl.Int64).alias("households"),
    pl.len().cast(pl.Int64).alias("lines"),
    pl.col("quantity").cast(pl.Int64).sum().alias("units"),
    pl.col("sales_value").sum().alias("sales"),
    pl.col("discount").sum().alias("discount"),
)


def _lines(frames: Frames) -> pl.DataFrame:
    lines = frames["transactions"].with_columns(
        pl.col("checked_out_at").dt.date().alias("day"), DISCOUNT.alias("discount")
    )
    products = frames["products"].select("product_id", "department", "product_category")
    joined = lines.join(products, on="product_id", how="left")
    return joined.with_columns(pl.col("department").fill_null("UNKNOWN"))


def store_daily(frames: Frames) -> pl.DataFrame:
    return _lines(frames).group_by("day", "store_id").agg(*SUMS)


def department_daily(frames: Frames) -> pl.DataFrame:
    return _lines(frames).group_by("day", "department").agg(*SUMS)


def promotion_effectiveness(frames: Frames) -> pl.DataFrame:
    of_product = ["product_id", "store_id", "week"]
    first = (
        frames["promotions"].sort(*of_product, "display_location", "mailer_location").unique(of_product, keep="first")
    )
    lines = _lines(frames).with_columns(pl.col("week").cast(pl.Int32))
    sold = lines.join(first, on=of_product, how="left")
    unsold = first.join(lines.select(of_product), on=of_product, how="anti").join(
        frames["products"].select("product_id", "department"), on="product_id", how="left"
    )
    place = ["week", "store_id", "department", "promoted", "display_location", "mailer_location"]
    both = pl.concat([sold, unsold], how="diagonal_relaxed").with_columns(
        pl.col("department").fill_null("UNKNOWN"),
        pl.col("display_location").is_not_null().alias("promoted"),
        pl.col("display_location", "mailer_location").fill_null("0"),
    )
    was_sold = pl.col("basket_id").is_not_null()
    return both.group_by(place).agg(
        pl.col("product_id").n_unique().cast(pl.Int64).alias("products"),
        pl.col("product_id").filter(was_sold).n_unique().cast(pl.Int64).alias("products_sold"),
        pl.col("basket_id").drop_nulls().n_unique().cast(pl.Int64).alias("baskets"),
        was_sold.sum().cast(pl.Int64).alias("lines"),
        pl.col("quantity").cast(pl.Int64).sum().alias("units"),
        pl.col("sales_value").sum().alias("sales"),
        pl.col("discount").sum().alias("discount"),
    )


def household_value(frames: Frames) -> pl.DataFrame:
    lines = _lines(frames).drop_nulls("household_id")
    value = lines.group_by("household_id").agg(
        pl.col("day").min().alias("first_day"),
        pl.col("day").max().alias("last_day"),
        pl.col("basket_id").n_unique().cast(pl.Int64).alias("baskets"),
        pl.col("day").n_unique().cast(pl.Int64).alias("days"),
        pl.col("store_id").n_unique().cast(pl.Int64).alias("stores"),
        pl.col("quantity").cast(pl.Int64).sum().alias("units"),
        pl.col("sales_value").sum().alias("sales"),
        pl.col("discount").sum().alias("discount"),
    )
    redeemed = frames["coupon_redemptions"].group_by("household_id").agg(pl.len().cast(pl.Int64).alias("redemptions"))
    return value.join(redeemed, on="household_id", how="left").with_columns(
        pl.col("redemptions").fill_null(0),
        (value["last_day"].max() - pl.col("last_day")).dt.total_days().cast(pl.Int32).alias("recency_days"),
        *(
            _fifth(column).alias(f"{name}_score")
            for name, column in (("recency", "last_day"), ("frequency", "baskets"), ("monetary", "sales"))
        ),
    )


def _fifth(column: str) -> pl.Expr:
    """1 to 5 by the share of the others that stand below."""
    below = pl.col(column).rank("min").cast(pl.Int64) - 1
    others = pl.max_horizontal(pl.len().cast(pl.Int64) - 1, 1)
    return pl.min_horizontal(5, 1 + (5 * below / others).floor()).cast(pl.Int32)


def basket_affinity(frames: Frames) -> pl.DataFrame:
    has = (
        _lines(frames)
        .filter(pl.col("quantity") > 0)
        .drop_nulls("product_category")
        .select("basket_id", pl.col("product_category").alias("category"))
        .unique()
    )
    all_baskets = has["basket_id"].n_unique()
    each = has.group_by("category").agg(pl.len().cast(pl.Int64).alias("baskets"))
    pairs = (
        has.join(has.rename({"category": "other_category"}), on="basket_id")
        .filter(pl.col("category") != pl.col("other_category"))
        .group_by("category", "other_category")
        .agg(pl.len().cast(pl.Int64).alias("baskets_together"))
        .filter(pl.col("baskets_together") >= 5)
    )
    others = each.rename({"category": "other_category", "baskets": "other_baskets"})
    together = pl.col("baskets_together")
    return (
        pairs.join(each, on="category")
        .join(others, on="other_category")
        .with_columns(
            pl.lit(all_baskets, pl.Int64).alias("all_baskets"),
            (together / all_baskets).alias("support"),
            (together / pl.col("baskets")).alias("confidence"),
            (together * all_baskets / (pl.col("baskets") * pl.col("other_baskets"))).alias("lift"),
        )
    )


def campaign_return(frames: Frames) -> pl.DataFrame:
    campaigns = frames["campaign_descriptions"].rename({"start_date": "start_day", "end_date": "end_day"})
    covered = frames["coupons"].select("campaign_id", "product_id").unique()
    bought = (
        _lines(frames)
        .drop_nulls("household_id")
        .join(frames["campaigns"], on="household_id")
        .join(covered, on=["campaign_id", "product_id"])
        .join(campaigns, on="campaign_id")
        .filter(pl.col("day").is_between("start_day", "end_day"))
        .group_by("campaign_id")
        .agg(
            pl.col("household_id").n_unique().cast(pl.Int64).alias("buyers"),
            *(part for part in SUMS if part.meta.output_name() in ("baskets", "units", "sales", "discount")),
        )
    )
    reached = frames["campaigns"].group_by("campaign_id").agg(pl.len().cast(pl.Int64).alias("households"))
    coupons = (
        frames["coupons"]
        .group_by("campaign_id")
        .agg(
            pl.col("coupon_upc").n_unique().cast(pl.Int64).alias("coupons"),
            pl.col("product_id").n_unique().cast(pl.Int64).alias("products"),
        )
    )
    redeemed = (
        frames["coupon_redemptions"]
        .group_by("campaign_id")
        .agg(
            pl.len().cast(pl.Int64).alias("redemptions"),
            pl.col("household_id").n_unique().cast(pl.Int64).alias("redeemers"),
        )
    )
    found = campaigns.select("campaign_id", "campaign_type", "start_day", "end_day")
    for part in (reached, coupons, redeemed, bought):
        found = found.join(part, on="campaign_id", how="left")
    return found.with_columns(pl.exclude("campaign_id", "campaign_type", "start_day", "end_day").fill_null(0))


def coupon_return(frames: Frames) -> pl.DataFrame:
    coupon = ["campaign_id", "coupon_upc"]
    products = frames["coupons"].group_by(coupon).agg(pl.col("product_id").n_unique().cast(pl.Int64).alias("products"))
    redeemed = (
        frames["coupon_redemptions"]
        .group_by(coupon)
        .agg(
            pl.len().cast(pl.Int64).alias("redemptions"),
            pl.col("household_id").n_unique().cast(pl.Int64).alias("redeemers"),
            pl.col("redemption_date").min().alias("first_day"),
            pl.col("redemption_date").max().alias("last_day"),
        )
    )
    reached = frames["campaigns"].group_by("campaign_id").agg(pl.len().cast(pl.Int64).alias("households"))
    found = products.join(redeemed, on=coupon, how="full", coalesce=True).join(reached, on="campaign_id", how="left")
    return found.with_columns(pl.col("products", "redemptions", "redeemers", "households").fill_null(0))


MARTS: Final[Mapping[str, Callable[[Frames], pl.DataFrame]]] = {
    "store_daily": store_daily,
    "department_daily": department_daily,
    "promotion_effectiveness": promotion_effectiveness,
    "household_value": household_value,
    "basket_affinity": basket_affinity,
    "campaign_return": campaign_return,
    "coupon_return": coupon_return,
}
