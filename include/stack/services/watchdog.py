"""The watchdog, which restarts a process that does not answer."""

from __future__ import annotations

import sys
from typing import Final

from include.stack.services.process import Process
from include.stack.services.service import Service

WATCHDOG: Final = "watchdog"


def service() -> Service:
    """Return it. It is the only one whom nobody asks."""
    return Service(Process(WATCHDOG, (sys.executable, "-m", "include.stack.supervision.watchdog")))
