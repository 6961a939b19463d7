"""Definition of one process of the stack: command, environment and supervision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.stack.privileges import as_postgres


@dataclass(frozen=True, slots=True)
class Process:
    """A supervised process.

    Attributes:
        command: argv; never contains a secret.
        environ: additions to the environment.
        as_postgres: run as the system user `postgres` if the current user is root (PostgreSQL refuses to run as root).
        restarts: whether the supervisor restarts it; streams are restarted by Airflow.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    as_postgres: bool = False
    restarts: bool = True
    stop_signal: str = "TERM"
    stop_seconds: int = 20

    def become(self) -> None:
        """Replace the current process by this one; never returns."""
        command = list(self.command)
        if self.as_postgres and os.geteuid() == 0:
            command = as_postgres(command)
        os.execvpe(command[0], command, os.environ | dict(self.environ))  # noqa: S606 - exec is the purpose
