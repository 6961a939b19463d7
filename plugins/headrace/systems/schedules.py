"""How standing DAGs are scheduled: those that run all the time, one run after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

CONTINUOUS: Final[dict[str, Any]] = {
    "schedule": "@continuous",
    "start_date": datetime(2024, 1, 1, tzinfo=UTC),
    "max_active_runs": 1,
    "catchup": False,
}
"""Arguments of such a DAG. It needs a start date in the past: without one Airflow gives the first run an interval without
length, the second run the same logical date, and refuses it for ever ("run already exists")."""
