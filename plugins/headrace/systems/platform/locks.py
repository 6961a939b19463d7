"""Locks with fencing tokens, on PostgreSQL advisory locks.

The lock ends with its connection, also while its holder still works. So the holder checks the lock before each write
that relies on it (`Held.check`). A write to this database fences the lock in the same transaction (`Held.fence`): the
next holder, who takes a higher token, waits until that transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from headrace.errors import SystemUnavailable
from headrace.systems.postgres import PostgresClient, Row

if TYPE_CHECKING:
    import psycopg

LOCK: Final = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
TAKE: Final = """
    INSERT INTO locks (name, token) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET token = locks.token + 1 RETURNING token"""
NEWEST: Final = "SELECT token FROM locks WHERE name = %s"
FENCE: Final = f"{NEWEST} FOR SHARE"


class Check(Protocol):
    """Check before a write. Raises SystemUnavailable if the write must not happen."""

    def __call__(self) -> None: ...


def unchecked() -> None:
    """Do nothing: there is no other writer."""


class Held:
    """A lock that this process has taken."""

    def __init__(self, name: str, address: str, connection: psycopg.Connection[Row]) -> None:
        self.name = name
        self._address = address
        self._connection = connection
        connection.execute(LOCK, [name])
        self.token = _one(connection.execute(TAKE, [name]).fetchone())

    def check(self) -> None:
        """Raise SystemUnavailable if the lock is no longer held."""
        import psycopg

        try:
            newest = _one(self._connection.execute(NEWEST, [self.name]).fetchone())
        except psycopg.Error as error:
            raise self._lost("its connection has ended") from error
        self._compare(newest)

    def fence(self, connection: psycopg.Connection[Row]) -> None:
        """Block the next holder until the connection's transaction ends.

        Raises SystemUnavailable if one exists already.
        """
        self._compare(_one(connection.execute(FENCE, [self.name]).fetchone()))

    def _compare(self, newest: int) -> None:
        if newest != self.token:
            raise self._lost("another process has taken it")

    def _lost(self, why: str) -> SystemUnavailable:
        text = (
            f"the lock {self.name} was lost: {why}. "
            "Nothing more is written; the next try starts from the current state."
        )
        return SystemUnavailable("platform", self._address, text)


@contextmanager
def held(database: PostgresClient, name: str) -> Iterator[Held]:
    """Hold the lock inside the block. One process holds it at a time; the others wait.

    Raises SystemUnavailable when another holder exceeds the statement time-out, or the lock is lost inside the block.
    """
    with database.session() as connection:
        lock = Held(name, database.address, connection)
        yield lock
        lock.check()


def _one(row: Row | None) -> int:
    return int(row[0]) if row else 0
