"""Migrations of the platform's database: plain SQL files `NNN_name.sql`, in order of their numbers.

A file must bear being run again (`CREATE TABLE IF NOT EXISTS …`): it is, when its text changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import psycopg

FOLDER: Final = Path(__file__).with_name("migrations")
NAME: Final = re.compile(r"\d{3}_[a-z0-9_]+\.sql")
LOCK: Final = 0x48454144  # any number that every Headrace takes


class Migration(NamedTuple):
    """One file."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What tells this text from any other."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The files in order. Raises ValueError for a name or a number that breaks the order."""
    files = sorted(folder.glob("*.sql"))
    wrong = [file.name for file in files if not NAME.fullmatch(file.name)]
    numbers = [file.name[:3] for file in files]
    wrong += sorted({number for number in numbers if numbers.count(number) > 1})
    if wrong:
        raise ValueError(f"{folder}: not NNN_name.sql, or a number twice: {', '.join(wrong)}")
    return tuple(Migration(file.name, file.read_text()) for file in files)


def migrate(connection: psycopg.Connection[Any], migrations: Iterable[Migration]) -> tuple[str, ...]:
    """Runs what is new or changed, in the connection's transaction; names of what was run.

    Whoever comes second waits for the first, then finds nothing to do.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, digest text NOT NULL,"
        " at timestamptz NOT NULL DEFAULT now())"
    )
    done = dict(connection.execute("SELECT name, digest FROM migrations").fetchall())
    due = [m for m in migrations if done.get(m.name) != m.digest]
    for migration in due:
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO migrations (name, digest) VALUES (%s, %s) ON CONFLICT (name)"
            " DO UPDATE SET digest = excluded.digest, at = now()",
            [migration.name, migration.digest],
        )
    return tuple(migration.name for migration in due)
