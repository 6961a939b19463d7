"""Unix sockets of an instance: where they are, and that nobody else gets there first."""

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
"""The Spark driver that stands by for batch jobs: the name of its process and of its socket."""


def socket_path(settings: Settings, name: str = "supervisor") -> Path:
    """A process's socket: in a folder of ours under /tmp when the instance's path is too long for a unix socket (107 bytes).

    Raises StepFailed when that folder is somebody else's.
    """
    path = settings.run / f"{name}.sock"
    if len(str(path)) < 100:
        return path
    return private_folder() / f"{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"


def private_folder(place: Path = Path("/tmp")) -> Path:  # noqa: S108 - whose it is, is checked
    """A folder that nobody else may enter. Raises StepFailed when somebody else has made it."""
    folder = place / f"headrace-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StepFailed(
            f"{folder} is not a folder that only you may enter: remove it, or keep Headrace in a shorter path"
        )
    return folder
