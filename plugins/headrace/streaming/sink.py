"""ClickHouse: what its tables take, and inserts that count once."""

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
from headrace.systems.warehouse.client import connect, meaning, port
from headrace.systems.warehouse.hook import INSERT_SETTINGS, token_settings

SETTINGS: Final[Mapping[str, Any]] = {
    **INSERT_SETTINGS,
    "input_format_parallel_parsing": 0,
    "max_insert_threads": 1,
    "max_threads": 1,
}
"""Of every insert: synchronous, so that what is acknowledged can be read, and one part a table."""

TIMEOUT_S: Final = 60
PARALLEL: Final = 4
"""Inserts under way at once: they mostly wait."""


class Insert(NamedTuple):
    """Rows for one table.

    A token that was used on the table before makes the insert count for nothing. ClickHouse writes the token down before
    the rows are there: after it died in between, the next try counts for nothing as well, and the rows are lost. So rows
    that may be there twice have no token, and for others see `metrics.once`.
    """

    table: str
    rows: pa.Table
    token: str = ""


class Sink:
    """One driver's connection to ClickHouse; safe to share between threads."""

    def __init__(self, clickhouse: Endpoint) -> None:
        self.address = f"{clickhouse.host}:{port(clickhouse)}"
        self._endpoint = clickhouse
        self._client: Client | None = None
        self._threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="insert")

    def insert(self, inserts: Sequence[Insert], patience: Patience) -> None:
        """Insert all, side by side, each until it is acknowledged.

        Raises:
            SystemUnavailable: ClickHouse did not answer for longer than the patience lasts.
            SystemRefused: ClickHouse refuses an insert for good.
            Stopped: the driver is stopping.
        """
        for refusal in self.attempt(inserts, patience).values():
            raise refusal

    def attempt(self, inserts: Sequence[Insert], patience: Patience) -> dict[str, SystemRefused]:
        """The same; tables of which ClickHouse refuses an insert, and why. The other inserts are made.

        Raises SystemUnavailable, Stopped.
        """
        if len(inserts) == 1:
            answers = [self._attempted(inserts[0], patience)]
        else:
            tasks = [self._threads.submit(self._attempted, insert, patience) for insert in inserts]
            answers = [task.result() for task in tasks]
        return {i.table: refusal for i, refusal in zip(inserts, answers, strict=True) if refusal is not None}

    def once(self, inserts: Sequence[Insert]) -> None:
        """Try each one time, side by side. Raises SystemUnavailable, SystemRefused: the first failure, when all have ended."""
        tasks = [self._threads.submit(self._insert, insert) for insert in inserts]
        wait(tasks)
        for task in tasks:
            task.result()

    def refusal(self, rows: pa.Table, types: Mapping[str, str], patience: Patience) -> SystemRefused | None:
        """Why ClickHouse cannot convert the rows to these column types; None when it can. Nothing is stored."""
        structure = ", ".join(f"{identifier(name)} {types[name]}" for name in rows.column_names)
        return self._attempted(Insert(f"FUNCTION null({literal(structure)})", rows), patience)

    def columns(self, tables: Iterable[str]) -> dict[str, dict[str, str]]:
        """Table → column → type, of those tables that exist; columns that take no insert are left out."""
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
        """The rows of a query. Raises SystemUnavailable, SystemRefused."""
        rows: Sequence[Sequence[Any]] = self._ask(lambda client: client.query(sql, parameters=parameters).result_rows)
        return rows

    def command(self, sql: str) -> None:
        """Run a statement that may be run twice. Raises SystemUnavailable, SystemRefused."""
        self._ask(lambda client: client.command(sql))

    def query_arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """The same as an Arrow table."""
        return self._ask(lambda client: client.query_arrow(sql, parameters=parameters, use_strings=True))

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
        self._ask(lambda client: client.raw_insert(insert.table, columns, body, settings, fmt="ArrowStream"))

    def _ask(self, question: Any) -> Any:
        try:
            return question(self._connected())
        except (ClickHouseError, OSError) as error:
            meant = meaning(error, self.address)
            if isinstance(meant, SystemRefused):
                raise meant from error
            raise SystemUnavailable("warehouse", self.address, f"{meant}; it is tried again") from error

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._endpoint, TIMEOUT_S, compress=False)
        return self._client
