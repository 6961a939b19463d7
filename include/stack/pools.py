"""Airflow's pools: limits on concurrent tasks of one kind."""

from __future__ import annotations

from typing import Final

POOLS: Final = (
    {"name": "refine", "slots": 2, "description": "Refinements: each is a Spark job with a JVM of its own."},
)
