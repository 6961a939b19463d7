"""Sink for ClickHouse: columns of its tables, and inserts with retries and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.planning.ddl import identifier, literal
from headrace.streaming.patience import Patience
from headrace.systems.endpoint import Endpoint
from headrace.systems.warehouse.arrow import as_stream
from headrace.systems.warehouse.client import BUSY, LIMITS, connect, meaning, port
from headrace.systems.warehouse.hook import INSERT_SETTINGS, token_settings

SETTINGS: Final[Mapping[str, Any]] = {
    **INSERT_SETTINGS,
    "input_format_parallel_parsing": 0,
    "max_insert_threads": 1,
    "max_threads": 1,
}
"""Settings of every insert: synchronous, so that acknowledged rows can be read, with one part per table."""

TIMEOUT_S: Final = 60
PARALLEL: Final = 4
"""Parallel inserts; they mostly wait."""


class Insert(NamedTuple):
    """Rows for one table.

    ClickHouse ignores an insert whose token was used on the table before. It stores the token before the rows: if it
    dies in between, the next try is ignored too, and the rows are lost. So rows that may be inserted twice have no
    token. For other rows see `metrics.once`.
    """

    table: str
    rows: pa.Table
    token: str = ""


class Sink:
    """ClickHouse connection of one driver. Thread-safe."""

    def __init__(self, clickhouse: Endpoint) -> None:
        self.address = f"{clickhouse.host}:{port(clickhouse)}"
        self._endpoint = clickhouse
        self._client: Client | None = None
        self._threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="insert")

    def insert(self, inserts: Sequence[Insert], patience: Patience) -> None:
        """Insert all in parallel; retry each until it is acknowledged.

        Raises:
            SystemUnavailable: ClickHouse does not answer within the patience's limit.
            SystemRefused: ClickHouse refuses an insert.
            Stopped: the driver is stopping.
        """
        for refusal in self.attempt(inserts, patience).values():
            raise refusal

    def attempt(self, inserts: Sequence[Insert], patience: Patience) -> dict[str, SystemRefused]:
        """Insert all as `insert` does, but return the refusals by table. The other inserts are done.

        Raises SystemUnavailable, Stopped.
        """
        if len(inserts) == 1:
            answers = [self._attempted(inserts[0], patience)]
        else:
            tasks = [self._threads.submit(self._attempted, insert, patience) for insert in inserts]
            answers = [task.result() for task in tasks]
        return {i.table: refusal for i, refusal in zip(inserts, answers, strict=True) if refusal is not None}

    def once(self, inserts: Sequence[Insert]) -> None:
        """Try each insert once, in parallel. Then raise the first failure: SystemUnavailable or SystemRefused."""
        tasks = [self._threads.submit(self._insert, insert) for insert in inserts]
        wait(tasks)
        for task in tasks:
            task.result()

    def refusal(self, rows: pa.Table, types: Mapping[str, str], patience: Patience) -> SystemRefused | None:
        """Return why ClickHouse cannot convert the rows to these column types; None if it can. Stores nothing."""
        structure = ", ".join(f"{identifier(name)} {types[name]}" for name in rows.column_names)
        return self._attempted(Insert(f"FUNCTION null({literal(structure)})", rows), patience)

    def columns(self, tables: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return table → column → type of the tables that exist, without columns that take no insert."""
        wanted = sorted(set(tables))
        query = (
            "SELECT database || '.' || table, name, type FROM system.columns WHERE database || '.' || table IN {tables:Array(String)} "
            "AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY 1, position"
        )
        found: dict[str, dict[str, str]] = {}
        for table, name, type_ in self.query(query, {"tables": wanted}):
            found.setdefault(table, {})[name] = type_
        return found

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Return the rows of a query. Raises SystemUnavailable, SystemRefused."""
        rows: Sequence[Sequence[Any]] = self._call(lambda client: client.query(sql, parameters=parameters).result_rows)
        return rows

    def command(self, sql: str) -> None:
        """Run a statement that may be run twice. Raises SystemUnavailable, SystemRefused."""
        self._call(lambda client: client.command(sql))

    def query_arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the rows of a query as an Arrow table. Raises SystemUnavailable, SystemRefused."""
        return self._call(lambda client: client.query_arrow(sql, parameters=parameters, use_strings=True))

    def _attempted(self, insert: Insert, patience: Patience) -> SystemRefused | None:
        try:
            patience.outlast(lambda: self._insert(insert))
        except SystemRefused as refused:
            return refused
        return None

    def _insert(self, insert: Insert) -> None:
        body = as_stream(insert.rows)
        settings = {**SETTINGS, **token_settings(insert.token)}
        columns = insert.rows.column_names
        self._call(lambda client: client.raw_insert(insert.table, columns, body, settings, fmt="ArrowStream"))

    def _call(self, call: Any) -> Any:
        try:
            return call(self._connected())
        except (ClickHouseError, OSError) as error:
            meant = meaning(error, self.address, BUSY | LIMITS)
            if isinstance(meant, SystemRefused):
                raise meant from error
            raise SystemUnavailable("warehouse", self.address, f"{meant}; the call is retried") from error

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._endpoint, TIMEOUT_S, compress=False)
        return self._client
