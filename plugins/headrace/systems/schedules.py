"""Schedule arguments of DAGs that run continuously, one run after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

CONTINUOUS: Final[dict[str, Any]] = {
    "schedule": "@continuous",
    "start_date": datetime(2024, 1, 1, tzinfo=UTC),
    "max_active_runs": 1,
    "catchup": False,
}
"""Arguments of a continuous DAG.

The start date must be in the past: without one Airflow gives the first run an interval without length and the second
run the same logical date. It then refuses the second run for ever ("run already exists").
"""
