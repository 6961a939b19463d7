"""Paths of an instance's unix sockets, in folders that other users cannot enter."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from include.stack.settings import Settings
from include.stack.steps import StepFailed

STANDBY: Final = "spark-batch"
"""Name of the standby Spark driver's process and socket."""


def socket_path(settings: Settings, name: str = "supervisor") -> Path:
    """Return a process's socket path; in a private folder of /tmp when the path exceeds a unix socket's 107 bytes.

    Raises StepFailed when another user can enter that folder.
    """
    path = settings.run / f"{name}.sock"
    if len(str(path)) < 100:
        return path
    return private_folder() / f"{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"


def private_folder(place: Path = Path("/tmp")) -> Path:  # noqa: S108 - owner and mode are checked
    """Create and return a folder that other users cannot enter. Raises StepFailed when owner or mode is wrong."""
    folder = place / f"headrace-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StepFailed(
            f"{folder} must be a folder that only you can enter; remove it, or move Headrace to a shorter path"
        )
    return folder
