"""Roles and databases of PostgreSQL, and their connection strings."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from include.stack.settings import Settings

SUPERUSER = "headrace"
ROLES: Mapping[str, tuple[str, str, str | None]] = {  # role: (setting of its password, options, database it owns)
    "shop": ("HEADRACE_PASSWORD_SHOP", "", "oltp"),
    "cdc": ("HEADRACE_PASSWORD_CDC", "REPLICATION", None),
    "airflow": ("HEADRACE_PASSWORD_AIRFLOW_DB", "", "airflow"),
    "registry": ("HEADRACE_PASSWORD_REGISTRY_DB", "", "registry"),
    "headrace_platform": ("HEADRACE_PASSWORD_PLATFORM", "", "headrace"),
    "lineage": ("HEADRACE_PASSWORD_LINEAGE_DB", "", None),
    "serving": ("HEADRACE_PASSWORD_SERVING", "", "serving"),
    "lake": ("HEADRACE_PASSWORD_LAKE_DB", "", "lake"),
}


def superuser_dsn(settings: Settings, database: str = "postgres") -> str:
    password = settings["HEADRACE_PASSWORD_POSTGRES"]
    return f"postgresql://{SUPERUSER}:{password}@{settings.bind}:{settings.port('POSTGRES')}/{database}"


def role_dsn(settings: Settings, role: str, database: str | None = None) -> str:
    """Return the DSN of one of ROLES, to the database it owns unless another is given."""
    password_setting, _, own = ROLES[role]
    password, port = settings[password_setting], settings.port("POSTGRES")
    return f"postgresql://{role}:{password}@{settings.bind}:{port}/{database or own}"


def make_roles(settings: Settings, roles: Mapping[str, tuple[str, str, str | None]] = ROLES) -> None:
    """Create the roles with their passwords and databases; idempotent."""
    own = [database for _, _, database in roles.values() if database]
    with psycopg.connect(superuser_dsn(settings), autocommit=True, connect_timeout=10) as connection:
        for role, (setting, options, database) in roles.items():
            name = sql.Identifier(role)
            if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            statement = sql.SQL("ALTER ROLE {} WITH LOGIN {} PASSWORD {}")
            connection.execute(statement.format(name, sql.SQL(options), sql.Literal(settings[setting])))
            if database and not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", database):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), name))
        closed = sql.SQL(", ").join(sql.Identifier(database) for database in own)
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(closed))
        connection.execute("GRANT CONNECT ON DATABASE oltp TO cdc")
        connection.execute("GRANT CONNECT ON DATABASE headrace TO lineage")


LINEAGE = """
    GRANT USAGE ON SCHEMA lineage TO lineage;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lineage TO lineage;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA lineage TO lineage;
"""


def let_lineage_in(settings: Settings) -> None:
    """Grant the lineage endpoint access to its tables, which must exist; idempotent."""
    with psycopg.connect(role_dsn(settings, "headrace_platform"), connect_timeout=10) as connection:
        connection.execute(LINEAGE)


def _exists(connection: psycopg.Connection, query: str, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None
