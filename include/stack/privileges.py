"""PostgreSQL refuses to be root: run it as the system user of Debian's package."""

from __future__ import annotations

POSTGRES_USER = "postgres"


def as_postgres(command: list[str]) -> list[str]:
    """The command as user `postgres`, able to pass through folders that are closed to it (a clone under /root)."""
    drop = ["setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}", "--clear-groups"]
    return [*drop, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", *command]
