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

    def __init__(
        self, endpoint: Endpoint, *, timeout_s: float = STATEMENT_TIMEOUT_S, backoff: Backoff | None = None
    ) -> None:
        super().__init__(
            "serving",
            endpoint,
            next_step="The lake keeps the rows; the load is retried when it answers.",
            statement_timeout_s=timeout_s,
            backoff=backoff,
        )
        self.endpoint = endpoint

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> ServingHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    def count(self, table: str) -> int:
        """Return the number of rows of `schema.table`."""
        from psycopg import sql

        found = self.rows(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".", 1))))
        return int(found[0][0])
