"""Hook for ClickHouse over HTTP.

Connection `clickhouse_default`, type generic: host, port (of HTTP), login, password; in extra `{"secure": true}` for
TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from headrace.planning.ddl import qualified
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff, persist
from headrace.systems.warehouse.client import connect, is_secure, meaning, port

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

T = TypeVar("T")

FRESHNESS: Final = """
    SELECT quantilesExact(0.5, 0.95)(dateDiff('microsecond', _committed_at, _inserted_at) / 1e6),
           count()
      FROM {table}
     WHERE {read}_inserted_at > now64(6) - toIntervalSecond({{window_s:UInt32}})
       AND _committed_at > now64(6) - toIntervalDay(8)"""
# Topics keep changes for 7 days, so inserted changes are not older. The filter skips the parts of older months.
SERVED: Final = "SELECT _kafka_partition, max(_offset) + 1 FROM {table} GROUP BY _kafka_partition"


INSERT_SETTINGS: Final[Mapping[str, Any]] = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "input_format_null_as_default": 0,
    "max_partitions_per_insert_block": 1000,
}


def token_settings(token: str) -> dict[str, Any]:
    """Return the settings for an insert with this token; without a token, turn deduplication off."""
    return {"insert_deduplication_token": token} if token else {"insert_deduplicate": 0}


class Freshness(NamedTuple):
    """Seconds from the commit in the source to visibility in ClickHouse, for recent changes."""

    p50: float
    p95: float
    changes: int
    """Number of measured changes."""


class WarehouseHook:
    """Hook for queries, inserts, statements and counts."""

    default_conn_name = "clickhouse_default"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 120.0,
        backoff: Backoff | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff()
        self.address = f"{'https' if is_secure(endpoint) else 'http'}://{endpoint.host}:{port(endpoint)}"

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> WarehouseHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @cached_property
    def client(self) -> Client:
        """Return clickhouse-connect's client without a session, created at first use.

        Raises:
            SystemUnavailable, SystemRefused: as any call.
        """
        return self._persist(lambda: connect(self._endpoint, self._timeout_s))

    def rows(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any] | None = None
    ) -> list[Sequence[Any]]:
        """Return all rows of one query.

        `{name:Type}` in it is a parameter; `settings` are ClickHouse settings of this query.
        """
        return self.table(query, parameters, settings=settings)[1]

    def blocks(self, query: str, rows: int = 10_000) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows of one query in blocks of at most `rows`. Only one block is in memory."""
        settings = {"max_block_size": rows}
        with self._persist(lambda: self.client.query_row_block_stream(query, settings=settings)) as stream:
            yield from stream

    def table(
        self, query: str, parameters: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any] | None = None
    ) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
        """Return the column names and all rows of one query."""
        client = self.client
        values, own = dict(parameters or {}), dict(settings or {})
        found = self._persist(lambda: client.query(query, values, settings=own))
        return tuple(found.column_names), list(found.result_rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows that may safely be inserted twice."""
        client, (database, name) = self.client, table.split(".", 1)
        if rows:
            self._persist(lambda: client.insert(name, rows, column_names=columns, database=database))

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement that may safely be run twice. Parameters as in `rows`."""
        client, values = self.client, dict(parameters or {})
        self._persist(lambda: client.command(statement, values))

    def execute_once(self, statement: str) -> None:
        """Run one statement that must not be run twice. After a failure the caller checks whether it took effect."""
        client = self.client
        self._translated(lambda: client.command(statement))

    def insert(self, table: str, rows: pa.Table, token: str = "") -> None:
        """Insert the rows. Their types must be those of `arrow_types`.

        With a token the rows are inserted at most once. If ClickHouse dies at the wrong moment they are lost, so the
        caller must count them. Without a token they may be inserted twice.
        """
        from headrace.systems.warehouse.arrow import as_stream

        client, body = self.client, as_stream(rows)
        settings = {**INSERT_SETTINGS, **token_settings(token)}
        self._persist(lambda: client.raw_insert(qualified(table), rows.column_names, body, settings, fmt="ArrowStream"))

    def comment(self, table: str) -> str | None:
        """Return the comment of `database.table`; None if there is no such table."""
        query = "SELECT comment FROM system.tables WHERE concat(database, '.', name) = {name:String}"
        found = self.rows(query, {"name": table})
        return str(found[0][0]) if found else None

    def count(self, table: str) -> int:
        """Return the number of rows that a reader of `database.table` sees."""
        return int(self.rows(f"SELECT count() FROM {qualified(table)}")[0][0])  # noqa: S608

    def count_final(self, table: str) -> int:
        """Return the number of rows of a replacing table after replacement (FINAL)."""
        return int(self.rows(f"SELECT count() FROM {qualified(table)} FINAL")[0][0])  # noqa: S608

    def existing(self, tables: Iterable[str]) -> tuple[str, ...]:
        """Return those of the tables and views, `database.table`, that exist; sorted."""
        wanted = sorted(set(tables))
        query = (
            "SELECT concat(database, '.', name) FROM system.tables"
            " WHERE has({names:Array(String)}, concat(database, '.', name)) ORDER BY 1"
        )
        return tuple(row[0] for row in self.rows(query, {"names": wanted}))

    def freshness(self, changes_table: str, window_s: int = 600, *, captured: bool = True) -> Freshness | None:
        """Return the freshness of the changes inserted in the last `window_s` seconds; None without any.

        Rows read by a snapshot do not count, because they were committed before it. Only CDC has such rows.
        """
        query = FRESHNESS.format(table=qualified(changes_table), read="_op != 'r' AND " if captured else "")
        (p50, p95), changes = self.rows(query, {"window_s": window_s})[0]
        return Freshness(p50, p95, changes) if changes else None

    def served_offsets(self, changes_table: str) -> dict[int, int]:
        """Return by Kafka partition the offset after the newest served change."""
        return {int(p): int(offset) for p, offset in self.rows(SERVED.format(table=qualified(changes_table)))}

    def _persist(self, call: Callable[[], T]) -> T:
        return persist(
            lambda: self._translated(call),
            system="warehouse",
            address=self.address,
            next_step="Streams keep their offsets and continue from them when it answers.",
            backoff=self._backoff,
        )

    def _translated(self, call: Callable[[], T]) -> T:
        """Run the call; raise its errors as Transient or SystemRefused."""
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            return call()
        except ClickHouseError as error:
            raise meaning(error, self.address) from error
