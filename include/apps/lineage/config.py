"""Settings of the lineage endpoint, read from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1024 * 1024


class ConfigError(Exception):
    """A setting is missing or invalid; the message names it and the next step."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one endpoint."""

    dsn: str = field(repr=False)
    """HEADRACE_PLATFORM_DSN: PostgreSQL database with the schema `lineage`."""
    key: str = field(repr=False)
    """HEADRACE_LINEAGE_KEY: API key that clients send as `Authorization: Bearer`."""
    marquez_url: str = ""
    """HEADRACE_MARQUEZ_URL (or MARQUEZ_URL): Marquez server to forward events to. Empty: events are only stored locally."""
    marquez_key: str = field(default="", repr=False)
    """HEADRACE_MARQUEZ_KEY: Bearer key for that Marquez server, if it requires one."""
    max_body: int = 16 * MIB
    """HEADRACE_LINEAGE_MAX_BODY: maximum request size in bytes, before and after decompression."""
    connections: int = 4
    """HEADRACE_LINEAGE_CONNECTIONS: maximum number of database connections."""
    outbox: int = 500
    """HEADRACE_LINEAGE_OUTBOX: maximum number of events in the outbox to Marquez."""
    keep_days: int = 90
    """HEADRACE_LINEAGE_KEEP_DAYS: retention of events in days. Events of a job's newest run are kept forever."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Read the settings. Raises ConfigError when a setting is missing or invalid."""
        return cls(
            dsn=_required(environ, "HEADRACE_PLATFORM_DSN", "the platform database's DSN"),
            key=_required(environ, "HEADRACE_LINEAGE_KEY", "the API key that clients must send"),
            marquez_url=(environ.get("HEADRACE_MARQUEZ_URL") or environ.get("MARQUEZ_URL") or "").rstrip("/"),
            marquez_key=environ.get("HEADRACE_MARQUEZ_KEY", ""),
            max_body=_number(environ, "HEADRACE_LINEAGE_MAX_BODY", 16 * MIB),
            connections=_number(environ, "HEADRACE_LINEAGE_CONNECTIONS", 4),
            outbox=_number(environ, "HEADRACE_LINEAGE_OUTBOX", 500),
            keep_days=_number(environ, "HEADRACE_LINEAGE_KEEP_DAYS", 90),
        )


def _required(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set: the lineage endpoint needs {what}")
    return value


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"{name} must be a whole number greater than 0; got {text}")
    return int(text)
