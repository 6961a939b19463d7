"""Real-time metrics: signed partial aggregates of a fact's changes, in event time.

`spec` says what a metric is made of, `retail_sales` declares one, the rest is the same for all: `deltas` (changes →
signed lines), `rollups` (lines → parts), `snapshots` (from where is counted), `lookup` (columns of other datasets),
`counting` (the query `metrics`).
"""

from __future__ import annotations

from typing import Final

from include.spark.streaming.metrics.retail_sales import RETAIL_SALES
from include.spark.streaming.metrics.spec import Metrics

METRICS: Final[tuple[Metrics, ...]] = (RETAIL_SALES,)
"""Every metric there is; a driver counts those whose fact is in its group."""
