"""Stop an instance and its orphaned processes, or delete it."""

from __future__ import annotations

import shutil

from include.stack.settings import Settings
from include.stack.supervision.exec import end_orphans
from include.stack.supervision.supervisor import Supervisor


def stop(s: Settings) -> None:
    """Stop every process of this instance, orphans included; idempotent."""
    Supervisor(s).shut_down()
    for group_file in s.run.glob("*.group"):
        end_orphans(group_file)


def remove(s: Settings) -> None:
    """Stop the instance and delete its data, logs, configuration and secrets."""
    stop(s)
    shutil.rmtree(s.home, ignore_errors=True)
    s.env_file.unlink(missing_ok=True)
