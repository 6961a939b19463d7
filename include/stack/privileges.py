"""Run PostgreSQL, which refuses to run as root, as the system user of Debian's package."""

from __future__ import annotations

POSTGRES_USER = "postgres"


def as_postgres(command: list[str]) -> list[str]:
    """Return the command for user `postgres`, with the capability to enter folders it may not read (a clone in /root)."""
    drop = ["setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}", "--clear-groups"]
    return [*drop, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", *command]
