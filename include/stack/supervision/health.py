"""Wait until a service answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from include.stack.services.catalogue import services
from include.stack.services.service import Check
from include.stack.settings import Settings
from include.stack.steps import AGAIN

UP_WITHIN_S: Final = 180.0
"""Seconds that a process may take until it answers; a busy machine needs many of them."""


class NotHealthy(Exception):
    """A server did not become healthy in time; the message says which and where its log is."""


def checks(s: Settings) -> Mapping[str, Check]:
    """Health checks by process name; a check never raises."""
    return {service.name: service.answers for service in services(s) if service.answers}


def wait(s: Settings, name: str, seconds: float = UP_WITHIN_S) -> float:
    """Wait until a process is healthy; returns the seconds it took.

    Raises:
        NotHealthy: it was not within `seconds`.
    """
    check, began = checks(s)[name], time.monotonic()
    while not check():
        if time.monotonic() - began > seconds:
            raise NotHealthy(f"{name} does not answer after {seconds:.0f} s; see {s.logs / name}.log, {AGAIN}")
        time.sleep(0.25)
    return time.monotonic() - began
