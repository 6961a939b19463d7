"""Airflow's pools: limits on concurrent tasks of one kind."""

from __future__ import annotations

from typing import Final

POOLS: Final = (
    {"name": "refine", "slots": 1, "description": "Refinements and marts: one after the other on the standby driver."},
)
