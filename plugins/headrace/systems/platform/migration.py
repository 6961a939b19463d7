"""Migrations of the platform's database: SQL files `NNN_name.sql`, run in order of their numbers.

A file must be idempotent (`CREATE TABLE IF NOT EXISTS …`): it runs again when its text changes.
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
LOCK: Final = 0x48454144  # the same number in every Headrace process


class Migration(NamedTuple):
    """One migration file."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """Return the SHA-256 digest of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations in order. Raises ValueError for a wrong file name or a duplicate number."""
    files = sorted(folder.glob("*.sql"))
    wrong = [file.name for file in files if not NAME.fullmatch(file.name)]
    numbers = [file.name[:3] for file in files]
    wrong += sorted({number for number in numbers if numbers.count(number) > 1})
    if wrong:
        raise ValueError(
            f"{folder}: migrations must be named NNN_name.sql, each number once; wrong: {', '.join(wrong)}"
        )
    return tuple(Migration(file.name, file.read_text()) for file in files)


def migrate(connection: psycopg.Connection[Any], migrations: Iterable[Migration]) -> tuple[str, ...]:
    """Run new and changed migrations in the connection's transaction; return their names.

    A second process waits for the first, then has nothing to run.
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
