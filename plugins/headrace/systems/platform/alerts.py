"""Alert rows and their SQL: one row per occurrence of a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["info", "warning", "error"]

COLUMNS: Final = "key, severity, dataset, text, first_seen, last_seen, times, owner, details, link, resolved_at"
RAISE: Final = """
    INSERT INTO alerts (key, severity, dataset, text, owner, details, link, lapses_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s))
    ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE
       SET last_seen = now(), times = alerts.times + 1, severity = excluded.severity, text = excluded.text,
           owner = excluded.owner, details = excluded.details, link = excluded.link, lapses_at = excluded.lapses_at
    RETURNING times = 1"""
OPEN: Final = f"SELECT {COLUMNS} FROM alerts WHERE resolved_at IS NULL ORDER BY first_seen, key"  # noqa: S608
RESOLVE: Final = "UPDATE alerts SET resolved_at = now() WHERE key = %s AND resolved_at IS NULL"
RESOLVE_OTHERS: Final = """
    UPDATE alerts SET resolved_at = now()
     WHERE resolved_at IS NULL AND starts_with(key, %s) AND NOT key = ANY (%s) RETURNING key"""
LAPSE: Final = "UPDATE alerts SET resolved_at = now() WHERE resolved_at IS NULL AND lapses_at < now()"


class Alert(NamedTuple):
    """A problem with its first and last occurrence."""

    key: str
    severity: Severity
    dataset: str
    text: str
    first_seen: datetime
    last_seen: datetime
    times: int
    owner: str = ""
    """Owner of the alert; empty: the owner of the dataset."""
    details: Sequence[Mapping[str, Any]] = ()
    """First failing rows."""
    link: str = ""
    """URL of the Airflow task that raised it last."""
    resolved_at: datetime | None = None


def failure_key(dag_id: str, task_id: str) -> str:
    """Return the key of the alert about a task's failures."""
    return f"dag:{dag_id}:{task_id}"


def running_task() -> str:
    """Return the URL of the current Airflow task; empty outside of a task."""
    import sys

    if "airflow.sdk" not in sys.modules:  # not in a task
        return ""
    from airflow.sdk import get_current_context

    try:
        return str(get_current_context()["ti"].log_url)
    except (RuntimeError, AttributeError, KeyError):
        return ""
