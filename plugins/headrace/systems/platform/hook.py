"""The platform's own database: plans, alerts, counts.

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
    """Remembers what was planned, what is wrong, and what was counted."""

    default_conn_name = "platform_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        self._db = PostgresClient(
            "platform",
            endpoint,
            next_step="Streams go on; plans and alerts are kept again when it answers.",
            backoff=backoff,
        )

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> PlatformHook:
        """The database of an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Where the database is, without credentials."""
        return self._db.address

    def transaction(self) -> AbstractContextManager[psycopg.Connection[Row]]:
        """A connection in one transaction, for the other packages that keep their state here."""
        return self._db.transaction()

    def lock(self, name: str) -> AbstractContextManager[Held]:
        """Hold the lock of that name: one process at a time; the others wait, and go on when it ends or dies.

        Whoever holds it asks before each write whether it still does.

        Raises:
            SystemUnavailable: somebody has held it for longer than a statement may take, or it was lost meanwhile.
        """
        return held(self._db, name)

    def migrate(self, migrations: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
        """Brings the tables to this version; names of the migrations that were run."""
        with self._db.transaction() as connection:
            return migrate(connection, read_migrations() if migrations is None else migrations)

    def record_plan(self, dag_run: str, plan: Mapping[str, Any], text: str) -> int:
        """Keeps a plan; its id."""
        from psycopg.types.json import Jsonb

        with self._db.transaction() as connection:
            found = connection.execute(
                "INSERT INTO plans (dag_run, plan, text) VALUES (%s, %s, %s) RETURNING id",
                [dag_run, Jsonb(dict(plan)), text],
            ).fetchall()
        return int(found[0][0])

    def plan_applied(self, plan: int) -> None:
        """Notes that the plan was carried out."""
        self._db.execute("UPDATE plans SET applied_at = now(), error = NULL WHERE id = %s", [plan])

    def plan_failed(self, plan: int, error: str) -> None:
        """Notes why the plan was not, or not wholly, carried out."""
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
        """Notes that something is wrong; True when it was not known already.

        Args:
            key: what it is about: raised again, an open alert is the same one.
            severity: how bad it is now.
            text: what is wrong, as a sentence.
            dataset: id of the dataset, if it is about one.
            owner: who answers for it; empty: the dataset's owner.
            details: the first failing rows. Nothing that must not leave the platform.
            link: where to look; None: the Airflow task in which this runs.
            lapses_s: not raised again for so many seconds, it is over by itself.
        """
        from psycopg.types.json import Json

        where = running_task() if link is None else link
        rows = Json(list(details), dumps=lambda value: json.dumps(value, default=str))
        with self._db.transaction() as connection:
            values = [key, severity, dataset, text, owner, rows, where, lapses_s]
            found = connection.execute(alerts.RAISE, values).fetchall()
        return bool(found[0][0])

    def resolve_alert(self, key: str) -> bool:
        """Notes that it is right again; False when nothing was open under the key."""
        return self._db.execute(alerts.RESOLVE, [key]) > 0

    def resolve_others(self, prefix: str, still: Collection[str]) -> tuple[str, ...]:
        """Notes that what is open under keys that begin so is right again, but for these; the keys of what was."""
        with self._db.transaction() as connection:
            found = connection.execute(alerts.RESOLVE_OTHERS, [prefix, list(still)]).fetchall()
        return tuple(sorted(row[0] for row in found))

    def open_alerts(self) -> tuple[Alert, ...]:
        """What is wrong now, oldest first."""
        return tuple(Alert(*row) for row in self._db.rows(alerts.OPEN))

    def owned_connectors(self) -> frozenset[str]:
        """Names of the connectors that Headrace made."""
        return frozenset(row[0] for row in self._db.rows("SELECT name FROM connectors"))

    def own_connector(self, name: str, *, made: bool) -> None:
        """Notes that Headrace made the connector, or that it removed it."""
        if made:
            self._db.execute("INSERT INTO connectors (name) VALUES (%s) ON CONFLICT DO NOTHING", [name])
        else:
            self._db.execute("DELETE FROM connectors WHERE name = %s", [name])

    def due_snapshots(self) -> dict[str, tuple[str, ...]]:
        """Source connection → the tables whose rows were not read yet."""
        rows = self._db.rows(
            "SELECT connection, array_agg(source_table ORDER BY source_table)"
            " FROM due_snapshots GROUP BY connection ORDER BY connection"
        )
        return {connection: tuple(tables) for connection, tables in rows}

    def add_due_snapshots(self, connection: str, tables: Iterable[str]) -> None:
        """Notes that these tables are to be read."""
        for table in tables:
            self._db.execute(
                "INSERT INTO due_snapshots (connection, source_table) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [connection, table],
            )

    def snapshots_taken(self, connection: str, tables: Iterable[str]) -> None:
        """Notes that these tables were read."""
        self._db.execute(
            "DELETE FROM due_snapshots WHERE connection = %s AND source_table = ANY (%s)",
            [connection, list(tables)],
        )

    def filled_columns(self, connection: str) -> frozenset[tuple[str, str]]:
        """(table, column) of the columns that were added with a default, and whose table was read since."""
        query = "SELECT source_table, column_name FROM filled_columns WHERE connection = %s"
        return frozenset((table, column) for table, column in self._db.rows(query, [connection]))

    def add_filled_columns(self, connection: str, columns: Iterable[tuple[str, str]]) -> None:
        """Notes that the tables of these (table, column) are read, or due to be."""
        for table, column in columns:
            self._db.execute(
                "INSERT INTO filled_columns (connection, source_table, column_name) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [connection, table, column],
            )

    def fresh_starts(self) -> dict[str, Mapping[str, Any]]:
        """Source connection → where its fresh snapshot begins, until it is reconciled."""
        return dict(self._db.rows("SELECT connection, starts FROM fresh_starts ORDER BY 1"))

    def keep_fresh_start(self, connection: str, starts: Mapping[str, Any]) -> None:
        """Notes that the connection's connector was started over."""
        from psycopg.types.json import Jsonb

        self._db.execute(
            "INSERT INTO fresh_starts (connection, starts) VALUES (%s, %s)"
            " ON CONFLICT (connection) DO UPDATE SET starts = excluded.starts, at = now()",
            [connection, Jsonb(dict(starts))],
        )

    def reconciled(self, connection: str) -> None:
        """Notes that what is served agrees with the fresh snapshot."""
        self._db.execute("DELETE FROM fresh_starts WHERE connection = %s", [connection])

    def count(self, hop: Hop, name: str) -> Mapping[str, Any] | None:
        """What was last counted there; None when nothing was."""
        query = "SELECT count FROM counts WHERE hop = %s AND name = %s"
        found = self._db.rows(query, [hop, name])
        return found[0][0] if found else None

    def forget_count(self, hop: Hop, name: str) -> None:
        """Has it counted from the beginning the next time."""
        self._db.execute("DELETE FROM counts WHERE hop = %s AND name = %s", [hop, name])

    def keep_count(self, hop: Hop, name: str, count: Mapping[str, Any]) -> None:
        """Keeps what was counted there, to count on from it."""
        from psycopg.types.json import Jsonb

        self._db.execute(
            "INSERT INTO counts (hop, name, count) VALUES (%s, %s, %s) ON CONFLICT (hop, name)"
            " DO UPDATE SET count = excluded.count, at = now()",
            [hop, name, Jsonb(dict(count))],
        )
