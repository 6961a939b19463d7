"""Airflow's pools: how many tasks of a kind may run at once."""

from __future__ import annotations

from typing import Final

POOLS: Final = (
    {"name": "refine", "slots": 2, "description": "Refinements: each is a Spark job with a JVM of its own."},
)
