"""Locks that are known to be held: an advisory lock of a connection, and a fencing token.

The lock ends with its connection, also while its holder works on. So the holder asks before each write that relies on the
lock (`Held.check`), and writes to this database only together with the question (`Held.fence`): the next holder, who takes
a higher token, waits for such a transaction to end.
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
    """Raises SystemUnavailable when what is about to be written must not be."""

    def __call__(self) -> None: ...


def unchecked() -> None:
    """Pass: nothing else writes there."""


class Held:
    """A lock that was taken."""

    def __init__(self, name: str, address: str, connection: psycopg.Connection[Row]) -> None:
        self.name = name
        self._address = address
        self._connection = connection
        connection.execute(LOCK, [name])
        self.token = _one(connection.execute(TAKE, [name]).fetchone())

    def check(self) -> None:
        """Raise SystemUnavailable when the lock is not held any more."""
        import psycopg

        try:
            newest = _one(self._connection.execute(NEWEST, [self.name]).fetchone())
        except psycopg.Error as error:
            raise self._lost("its connection has ended") from error
        self._compare(newest)

    def fence(self, connection: psycopg.Connection[Row]) -> None:
        """Keep the next holder waiting until the connection's transaction ends. Raise SystemUnavailable when there is one."""
        self._compare(_one(connection.execute(FENCE, [self.name]).fetchone()))

    def _compare(self, newest: int) -> None:
        if newest != self.token:
            raise self._lost("another has taken it")

    def _lost(self, why: str) -> SystemUnavailable:
        text = f"the lock {self.name} was lost: {why}. Nothing more is written; the next try begins with what is there."
        return SystemUnavailable("platform", self._address, text)


@contextmanager
def held(database: PostgresClient, name: str) -> Iterator[Held]:
    """Hold the lock inside the block; one process at a time, the others wait.

    Raises SystemUnavailable: somebody has held it for longer than a statement may take, or it was lost inside the block.
    """
    with database.session() as connection:
        lock = Held(name, database.address, connection)
        yield lock
        lock.check()


def _one(row: Row | None) -> int:
    return int(row[0]) if row else 0
