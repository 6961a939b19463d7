"""Hook for the platform's own database: plans, alerts, counts, snapshots that are due.

Connection `platform_default`, type postgres.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from headrace.systems.endpoint import Endpoint
from headrace.systems.platform import alerts
from headrace.systems.platform.alerts import Alert, Severity, running_task
from headrace.systems.platform.locks import Held, held
from headrace.systems.platform.migration import Migration, migrate, read_migrations
from headrace.systems.postgres import PostgresClient, Row
from headrace.systems.retry import Backoff

if TYPE_CHECKING:
    import psycopg

Hop: TypeAlias = Literal["kafka", "raw"]


class PlatformHook:
    """Hook for plans, alerts and counts in the platform database."""

    default_conn_name = "platform_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        self._db = PostgresClient(
            "platform",
            endpoint,
            next_step="Streams continue; plans and alerts are recorded again when it answers.",
            backoff=backoff,
        )

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> PlatformHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Return the database's URL without credentials."""
        return self._db.address

    def transaction(self) -> AbstractContextManager[psycopg.Connection[Row]]:
        """Open a connection with a transaction, which is committed at the end and rolled back after an error.

        Services use it for their own tables in the platform database.
        """
        return self._db.transaction()

    def lock(self, name: str) -> AbstractContextManager[Held]:
        """Hold the named lock. Other processes wait until the holder releases it or its connection closes.

        The holder must check the lock (`Held`) before each write.

        Raises:
            SystemUnavailable: the wait exceeded the statement time-out, or the lock was lost while it was held.
        """
        return held(self._db, name)

    def migrate(self, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
        """Migrate the tables to this version; return the names of the migrations that ran."""
        with self._db.transaction() as connection:
            return migrate(connection, read_migrations() if migrations is None else migrations)

    def record_plan(self, dag_run: str, plan: Mapping[str, Any], text: str) -> int:
        """Store a plan; return its id."""
        from psycopg.types.json import Jsonb

        with self._db.transaction() as connection:
            found = connection.execute(
                "INSERT INTO plans (dag_run, plan, text) VALUES (%s, %s, %s) RETURNING id",
                [dag_run, Jsonb(dict(plan)), text],
            ).fetchall()
        return int(found[0][0])

    def plan_applied(self, plan: int) -> None:
        """Record that the plan was applied."""
        self._db.execute("UPDATE plans SET applied_at = now(), error = NULL WHERE id = %s", [plan])

    def plan_failed(self, plan: int, error: str) -> None:
        """Record why the plan was not, or only partly, applied."""
        self._db.execute("UPDATE plans SET error = %s WHERE id = %s", [error, plan])

    def raise_alert(
        self,
        key: str,
        severity: Severity,
        text: str,
        dataset: str = "",
        *,
        owner: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        link: str | None = None,
        lapses_s: float | None = None,
    ) -> bool:
        """Raise an alert; return True if no alert was open under the key.

        Args:
            key: subject of the alert. A second call updates the open alert of the same key.
            severity: current severity.
            text: the problem, as a sentence.
            dataset: id of the affected dataset; empty: none.
            owner: owner of the alert; empty: the dataset's owner.
            details: first failing rows. They must be allowed to leave the platform.
            link: URL for more information; None: the current Airflow task.
            lapses_s: seconds without a new raise after which the alert resolves by itself.
        """
        from psycopg.types.json import Json

        where = running_task() if link is None else link
        rows = Json(list(details), dumps=lambda value: json.dumps(value, default=str))
        with self._db.transaction() as connection:
            values = [key, severity, dataset, text, owner, rows, where, lapses_s]
            found = connection.execute(alerts.RAISE, values).fetchall()
        return bool(found[0][0])

    def resolve_alert(self, key: str) -> bool:
        """Resolve the alert; return False if none was open under the key."""
        return self._db.execute(alerts.RESOLVE, [key]) > 0

    def resolve_others(self, prefix: str, still: Collection[str]) -> tuple[str, ...]:
        """Resolve the open alerts whose keys begin with `prefix`, except `still`; return the resolved keys."""
        with self._db.transaction() as connection:
            found = connection.execute(alerts.RESOLVE_OTHERS, [prefix, list(still)]).fetchall()
        return tuple(sorted(row[0] for row in found))

    def open_alerts(self) -> tuple[Alert, ...]:
        """Return the open alerts, oldest first."""
        return tuple(Alert(*row) for row in self._db.rows(alerts.OPEN))

    def owned_connectors(self) -> frozenset[str]:
        """Return the names of the connectors that Headrace created."""
        return frozenset(row[0] for row in self._db.rows("SELECT name FROM connectors"))

    def own_connector(self, name: str, *, made: bool) -> None:
        """Record that Headrace created the connector, or removed it."""
        if made:
            self._db.execute("INSERT INTO connectors (name) VALUES (%s) ON CONFLICT DO NOTHING", [name])
        else:
            self._db.execute("DELETE FROM connectors WHERE name = %s", [name])

    def due_snapshots(self) -> dict[str, tuple[str, ...]]:
        """Return source connection → tables whose snapshot is due."""
        rows = self._db.rows(
            "SELECT connection, array_agg(source_table ORDER BY source_table)"
            " FROM due_snapshots GROUP BY connection ORDER BY connection"
        )
        return {connection: tuple(tables) for connection, tables in rows}

    def add_due_snapshots(self, connection: str, tables: Iterable[str]) -> None:
        """Record that a snapshot of these tables is due."""
        for table in tables:
            self._db.execute(
                "INSERT INTO due_snapshots (connection, source_table) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [connection, table],
            )

    def snapshots_taken(self, connection: str, tables: Iterable[str]) -> None:
        """Record that the snapshot of these tables was taken."""
        self._db.execute(
            "DELETE FROM due_snapshots WHERE connection = %s AND source_table = ANY (%s)",
            [connection, list(tables)],
        )

    def filled_columns(self, connection: str) -> frozenset[tuple[str, str]]:
        """Return (table, column) of each column whose existing rows have their default, or will have after a requested re-read.

        Debezium writes no change for existing rows when a column with a default is added; a re-read of the table does.
        """
        query = "SELECT source_table, column_name FROM filled_columns WHERE connection = %s"
        return frozenset((table, column) for table, column in self._db.rows(query, [connection]))

    def add_filled_columns(self, connection: str, columns: Iterable[tuple[str, str]]) -> None:
        """Record columns, as (table, column), for which a re-read of the table was requested or is not needed."""
        for table, column in columns:
            self._db.execute(
                "INSERT INTO filled_columns (connection, source_table, column_name) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [connection, table, column],
            )

    def fresh_starts(self) -> dict[str, Mapping[str, Any]]:
        """Return, by source connection, where the snapshot after a lost slot starts in Kafka.

        A snapshot with which the served data was reconciled is not returned.
        """
        return dict(self._db.rows("SELECT connection, starts FROM fresh_starts ORDER BY 1"))

    def keep_fresh_start(self, connection: str, starts: Mapping[str, Any]) -> None:
        """Record where the snapshot after a lost slot starts in Kafka: the first offset of each topic's partitions."""
        from psycopg.types.json import Jsonb

        self._db.execute(
            "INSERT INTO fresh_starts (connection, starts) VALUES (%s, %s)"
            " ON CONFLICT (connection) DO UPDATE SET starts = excluded.starts, at = now()",
            [connection, Jsonb(dict(starts))],
        )

    def reconciled(self, connection: str) -> None:
        """Record that the served data was reconciled: rows that the new snapshot lacks were deleted."""
        self._db.execute("DELETE FROM fresh_starts WHERE connection = %s", [connection])

    def count(self, hop: Hop, name: str) -> Mapping[str, Any] | None:
        """Return the last count of rows at a hop of a dataset or table `name`, or None if there is none."""
        query = "SELECT count FROM counts WHERE hop = %s AND name = %s"
        found = self._db.rows(query, [hop, name])
        return found[0][0] if found else None

    def forget_count(self, hop: Hop, name: str) -> None:
        """Delete the last count, so that the next one starts from the beginning."""
        self._db.execute("DELETE FROM counts WHERE hop = %s AND name = %s", [hop, name])

    def keep_count(self, hop: Hop, name: str, count: Mapping[str, Any]) -> None:
        """Store a count, from which the next one continues."""
        from psycopg.types.json import Jsonb

        self._db.execute(
            "INSERT INTO counts (hop, name, count) VALUES (%s, %s, %s) ON CONFLICT (hop, name)"
            " DO UPDATE SET count = excluded.count, at = now()",
            [hop, name, Jsonb(dict(count))],
        )
