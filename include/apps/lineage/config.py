"""The endpoint's settings, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1024 * 1024


class ConfigError(Exception):
    """A setting is missing or unusable; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    """What one endpoint needs to know."""

    dsn: str = field(repr=False)
    """HEADRACE_PLATFORM_DSN: PostgreSQL database with the schema `lineage`."""
    key: str = field(repr=False)
    """HEADRACE_LINEAGE_KEY: the API key that every caller presents as `Authorization: Bearer`."""
    marquez_url: str = ""
    """HEADRACE_MARQUEZ_URL (or MARQUEZ_URL): forward every event there; empty: keep them here only."""
    marquez_key: str = field(default="", repr=False)
    """HEADRACE_MARQUEZ_KEY: Bearer key for that Marquez, if it wants one."""
    max_body: int = 16 * MIB
    """HEADRACE_LINEAGE_MAX_BODY: largest request in bytes, before and after decompression."""
    connections: int = 4
    """HEADRACE_LINEAGE_CONNECTIONS: most database connections."""
    outbox: int = 500
    """HEADRACE_LINEAGE_OUTBOX: most events on their way to Marquez at a time."""
    keep_days: int = 90
    """HEADRACE_LINEAGE_KEEP_DAYS: how long events are kept; those of a job's newest run are kept for good."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Raises ConfigError when a setting is missing or unusable."""
        return cls(
            dsn=_required(environ, "HEADRACE_PLATFORM_DSN", "the platform database's DSN"),
            key=_required(environ, "HEADRACE_LINEAGE_KEY", "the API key callers must present"),
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
        raise ConfigError(f"{name}={text}: must be a whole number above 0")
    return int(text)
