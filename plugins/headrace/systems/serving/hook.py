"""Hook for the PostgreSQL database that serves datasets with `serving: postgres`.

Connection `serving_default`, type postgres. Its role owns the database and creates the tables.
"""

from __future__ import annotations

from headrace.systems.endpoint import Endpoint
from headrace.systems.postgres import PostgresClient
from headrace.systems.retry import Backoff

STATEMENT_TIMEOUT_S = 900.0
"""Statement time-out in seconds. A load is one transaction."""


class ServingHook(PostgresClient):
    """Hook for the serving database."""

    default_conn_name = "serving_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        super().__init__(
            "serving",
            endpoint,
            next_step="The lake keeps the rows; the load is retried when it answers.",
            statement_timeout_s=STATEMENT_TIMEOUT_S,
            backoff=backoff,
        )
        self.endpoint = endpoint

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> ServingHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))
