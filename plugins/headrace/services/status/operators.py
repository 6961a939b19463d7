"""Operator that watches the freshness SLAs of datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from headrace.services.status.triggers import POLL_S, FreshnessTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class WatchFreshnessOperator(BaseOperator):
    """Watches, deferred, that every dataset meets its freshness SLA; otherwise the alert `late:<dataset>` is open.

    Args:
        schemas: the folder of the contracts.
        poll_s: seconds between two polls.
    """

    ui_color = "#fdebd0"

    def __init__(self, *, schemas: str, poll_s: float = POLL_S, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schemas = schemas
        self.poll_s = poll_s

    def execute(self, context: Context) -> None:
        """Wait; the trigger does the work."""
        self.defer(trigger=FreshnessTrigger(self.schemas, self.poll_s), method_name="failed")

    def failed(self, context: Context, event: Mapping[str, Any]) -> None:
        """Raise AirflowException with the cause, after polls have failed for long."""
        from airflow.sdk.exceptions import AirflowException

        raise AirflowException(f"freshness cannot be watched: {event['failure']}")
