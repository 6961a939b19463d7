"""Sales metrics of the shop by minute and store, and by minute and department."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from headrace.streaming.metrics.spec import Lookup, Metrics, Rollup

RETAIL_SALES: Final = Metrics(
    name="sales",
    fact="retail.transactions",
    event_time="checked_out_at",
    measures={
        "sales": pl.col("sales_value"),
        "units": pl.col("quantity").cast(pl.Int64),
        "discount": pl.col("retail_discount") + pl.col("coupon_discount") + pl.col("coupon_match_discount"),
    },
    distincts={"basket_lines": "basket_id", "household_lines": "household_id"},
    rollups=(
        Rollup("metrics.sales_by_minute_store_parts", ("store_id",)),
        Rollup("metrics.sales_by_minute_department_parts", ("department",)),
    ),
    lookup=Lookup(column="department", key="product_id", dataset="retail.products", unknown="(unknown)"),
    lateness=timedelta(minutes=10),
)
