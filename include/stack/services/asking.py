"""Ask a server whether it answers. Nothing here raises: what goes wrong is no answer."""

from __future__ import annotations

import socket
import time
from functools import cache
from pathlib import Path
from typing import Final

import httpx

PULSE_S: Final = 20.0
"""Most seconds since the last sign of life of a process that gives one: four of its intervals."""


def http_answers(url: str, accepted: tuple[int, ...] = (200,), auth: tuple[str, str] | None = None) -> bool:
    """Return whether a GET is answered with one of these codes."""
    try:
        return client().get(url, auth=auth).status_code in accepted
    except httpx.HTTPError:
        return False


@cache
def client() -> httpx.Client:
    """One for all checks: making one reads the certificates of all authorities, the watchdog's dearest step by far.

    It keeps no connection: one that a dead process has left behind would count as no answer.
    """
    return httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))


def port_open(host: str, port: int) -> bool:
    """Return whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def beats(pulse: Path) -> bool:
    """Return whether a process has touched its file lately."""
    try:
        return time.time() - pulse.stat().st_mtime < PULSE_S
    except OSError:
        return False
