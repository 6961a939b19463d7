"""Health checks of the services, and waiting for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from include.stack.services.catalogue import services
from include.stack.services.service import Check
from include.stack.settings import Settings
from include.stack.steps import AGAIN

UP_WITHIN_S: Final = 180.0
"""Seconds within which a started process must answer; generous, for busy machines."""


class NotHealthy(Exception):
    """A server did not become healthy in time; the message names it and its log."""


def checks(s: Settings) -> Mapping[str, Check]:
    """Return process name → health check; a check never raises."""
    return {service.name: service.answers for service in services(s) if service.answers}


def wait(s: Settings, name: str, seconds: float = UP_WITHIN_S) -> float:
    """Wait until a process is healthy and return the seconds it took.

    Raises:
        NotHealthy: the process was not healthy within `seconds`.
    """
    check, began = checks(s)[name], time.monotonic()
    while not check():
        if time.monotonic() - began > seconds:
            raise NotHealthy(f"{name} does not answer after {seconds:.0f} s; see {s.logs / name}.log, {AGAIN}")
        time.sleep(0.25)
    return time.monotonic() - began
