"""Service of the watchdog, which restarts processes that do not answer."""

from __future__ import annotations

import sys
from typing import Final

from include.stack.services.process import Process
from include.stack.services.service import Service

WATCHDOG: Final = "watchdog"


def service() -> Service:
    """Return the service. It is the only service without a health check."""
    return Service(Process(WATCHDOG, (sys.executable, "-m", "include.stack.supervision.watchdog")))
