"""Health checks over HTTP, TCP and heartbeat files. None raises: an error counts as no answer."""

from __future__ import annotations

import socket
import time
from functools import cache
from pathlib import Path
from typing import Final

import httpx

PULSE_S: Final = 20.0
"""Maximum age in seconds of a process's heartbeat file: four intervals."""


def http_answers(url: str, accepted: tuple[int, ...] = (200,), auth: tuple[str, str] | None = None) -> bool:
    """Return whether a GET request returns one of the accepted status codes."""
    try:
        return client().get(url, auth=auth).status_code in accepted
    except httpx.HTTPError:
        return False


@cache
def client() -> httpx.Client:
    """Return the HTTP client shared by all checks: creating one loads all CA certificates, which is slow.

    It keeps no connections alive: a connection left by a dead process would count as no answer.
    """
    return httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))


def port_open(host: str, port: int) -> bool:
    """Return whether the TCP port accepts connections."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def beats(pulse: Path) -> bool:
    """Return whether a process has touched its heartbeat file within PULSE_S."""
    try:
        return time.time() - pulse.stat().st_mtime < PULSE_S
    except OSError:
        return False
