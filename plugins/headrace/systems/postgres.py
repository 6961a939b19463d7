"""PostgreSQL client with time-outs, retries and Headrace's errors. The PostgreSQL hooks use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff, Transient, persist

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed

Statement: TypeAlias = "LiteralString | Composed"
Row: TypeAlias = tuple[Any, ...]


class PostgresClient:
    """Client of one database. Each block opens a connection and closes it at its end."""

    def __init__(
        self,
        system: str,
        endpoint: Endpoint,
        *,
        next_step: str,
        statement_timeout_s: float = 60.0,
        backoff: Backoff | None = None,
    ) -> None:
        self.system = system
        self.address = f"postgresql://{endpoint.host}:{endpoint.port or 5432}/{endpoint.database}"
        self._endpoint = endpoint
        self._next_step = next_step
        self._timeout_s = statement_timeout_s
        self._backoff = backoff or Backoff()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Row]]:
        """Yield a connection in one transaction: committed at the end, rolled back on an error.

        Raises:
            SystemUnavailable: no connection, a broken connection, or a statement time-out.
            SystemRefused: the server refuses the login or a statement.
        """
        import psycopg

        connection = self._connect()
        try:
            with connection, self._our_errors(connection):
                yield connection
        except psycopg.Error as error:  # from the commit
            raise self._translated(error, connection) from error

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Row]]:
        """Yield a connection in autocommit mode. Its session ends with the block. Raises as `transaction`."""
        connection = self._connect()
        connection.autocommit = True
        try:
            with self._our_errors(connection):
                yield connection
        finally:
            connection.close()

    def rows(self, statement: Statement, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of one query. Repeats it once if the connection breaks, so use it only for reads."""
        try:
            return self._fetch(statement, parameters)
        except SystemUnavailable as error:
            if isinstance(error.__cause__, Transient):  # connecting was already retried
                raise
            return self._fetch(statement, parameters)

    def _fetch(self, statement: Statement, parameters: Sequence[Any]) -> list[Row]:
        with self.transaction() as connection:
            return connection.execute(statement, parameters).fetchall()

    def execute(self, statement: Statement, parameters: Sequence[Any] = ()) -> int:
        """Run one statement in its own transaction; return the number of affected rows."""
        with self.transaction() as connection:
            return connection.execute(statement, parameters).rowcount

    def _connect(self) -> psycopg.Connection[Row]:
        import psycopg

        place = self._endpoint

        def once() -> psycopg.Connection[Row]:
            try:
                return psycopg.connect(
                    host=place.host,
                    port=place.port or 5432,
                    dbname=place.database,
                    user=place.login,
                    password=place.password,
                    connect_timeout=5,
                    application_name="headrace",
                    options=f"-c statement_timeout={int(self._timeout_s * 1000)}",
                )
            except psycopg.OperationalError as error:
                text = _line(error)
                if _refuses(text):
                    raise SystemRefused(self.system, self.address, text) from error
                raise Transient(text) from error

        return persist(
            once,
            system=self.system,
            address=self.address,
            next_step=self._next_step,
            backoff=self._backoff,
        )

    @contextmanager
    def _our_errors(self, connection: psycopg.Connection[Row]) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error, connection) from error

    def _translated(
        self, error: psycopg.Error, connection: psycopg.Connection[Row]
    ) -> SystemUnavailable | SystemRefused:
        import psycopg

        gone = connection.broken or isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable)
        if gone or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None):
            return SystemUnavailable(self.system, self.address, f"{_line(error)}. {self._next_step}")
        return SystemRefused(self.system, self.address, _line(error))


def _refuses(text: str) -> bool:
    """Return whether the server refuses this user or this database."""
    no = ("password authentication failed", "no pg_hba.conf entry", "does not exist", "permission")
    return any(words in text for words in no)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
