"""Address and credentials of a system, read from an Airflow connection or a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from headrace.systems.references import all_resolved, resolved

if TYPE_CHECKING:
    from airflow.sdk import Connection


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and credentials of one system. The representation shows no secret."""

    host: str = ""
    """Host name, or a whole URI if the system needs one (an Iceberg catalog)."""
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    scheme: str = "http"
    database: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    """Further options of the system's client. Each hook documents the keys that it reads."""

    @property
    def url(self) -> str:
        """Return `scheme://host:port` without credentials. A whole URI in `host` is kept."""
        base = self.host if "://" in self.host else f"{self.scheme}://{self.host}"
        base = without_credentials(base).rstrip("/")
        return f"{base}:{self.port}" if self.port else base

    @classmethod
    def from_url(cls, url: str, **extra: Any) -> Endpoint:
        """Parse `scheme://login:password@host:port/database`. `extra` is kept unchanged."""
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port,
            login=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            scheme=parts.scheme,
            database=parts.path.lstrip("/"),
            extra=extra,
        )

    @classmethod
    def from_connection(cls, conn_id: str) -> Endpoint:
        """Read the Airflow connection of that id, inside a task. Resolves `env:NAME` references (see `references`)."""
        from airflow.sdk import BaseHook

        return cls._of(BaseHook.get_connection(conn_id))

    @classmethod
    async def afrom_connection(cls, conn_id: str) -> Endpoint:
        """Read the Airflow connection of that id, inside a trigger."""
        from airflow.sdk import BaseHook

        return cls._of(await BaseHook.aget_connection(conn_id))

    @classmethod
    def _of(cls, connection: Connection) -> Endpoint:
        # Airflow's `schema` is the URL scheme of http connections and the database of all others.
        name = connection.conn_id
        over_http = connection.conn_type == "http"
        return cls(
            host=connection.host or "",
            port=connection.port,
            login=resolved(connection.login, f"{name}, login") or None,
            password=resolved(connection.password, f"{name}, password") or None,
            scheme=(connection.schema if over_http else None) or "http",
            database=(connection.schema if not over_http else None) or "",
            extra=all_resolved(connection.extra_dejson, name),
        )


def without_credentials(url: str) -> str:
    """Return the URL without user and password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
