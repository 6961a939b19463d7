"""Definition of one process of the stack: command, environment and supervision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import psutil

from include.stack.privileges import as_postgres

BATCH: Final = 10
"""Niceness of batch work: beside work of niceness 0 on a full core it gets a tenth of the time."""
CAPTURE: Final = 3
"""Niceness of Kafka Connect: what reads Kafka goes first, so that a snapshot does not keep the streams from serving."""
LOWEST: Final = 7
"""Lowest disk priority of the best-effort class; see ionice(1)."""


@dataclass(frozen=True, slots=True)
class Process:
    """A supervised process.

    Attributes:
        command: argv; never contains a secret.
        environ: additions to the environment.
        as_postgres: run as the system user `postgres` if the current user is root (PostgreSQL refuses to run as root).
        restarts: whether the supervisor restarts it; streams are restarted by Airflow.
        nice: niceness, which children inherit. From half of BATCH, the disk priority is the lowest of its class too.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    as_postgres: bool = False
    restarts: bool = True
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    nice: int = 0

    def exec(self) -> None:
        """Replace the current process by this one; never returns."""
        command = list(self.command)
        if self.as_postgres and os.geteuid() == 0:
            command = as_postgres(command)
        if self.nice:
            os.nice(self.nice)
        if self.nice >= BATCH // 2:
            psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, value=LOWEST)
        os.execvpe(command[0], command, os.environ | dict(self.environ))  # noqa: S606 - exec is the purpose
