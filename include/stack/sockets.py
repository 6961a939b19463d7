"""Paths of the unix sockets of an instance's processes, in folders that other users cannot enter."""

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
    """Return the socket path of the process `name`, in the instance's folder.

    If that path is longer than a unix socket's path may be (107 bytes), the socket is in a private folder of /tmp.

    Raises StepFailed when the folder in /tmp is open to other users.
    """
    path = settings.run / f"{name}.sock"
    if len(str(path)) < 100:
        return path
    return private_folder() / f"{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"


def private_folder(place: Path = Path("/tmp")) -> Path:  # noqa: S108 - owner and mode are checked
    """Create a folder with mode 0700 if it does not exist; return it.

    Raises StepFailed if it exists with another owner or mode.
    """
    folder = place / f"headrace-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StepFailed(
            f"{folder} must be a folder that only you can enter; remove it, or move Headrace to a shorter path"
        )
    return folder
