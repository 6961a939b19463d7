"""Metrics of this project: signed partial aggregates of a fact's changes, in event time."""

from __future__ import annotations

from typing import Final

from headrace.streaming.metrics.spec import Metrics
from include.spark.streaming.metrics.retail_sales import RETAIL_SALES

METRICS: Final[tuple[Metrics, ...]] = (RETAIL_SALES,)
"""All metrics; a driver computes those whose fact is in its stream group."""
