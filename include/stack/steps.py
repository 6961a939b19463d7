"""Steps of `./headrace up`: a fault that may pass is tried again; any other ends in one sentence."""

from __future__ import annotations

import errno
import queue
import subprocess
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final, TypeVar

import httpx
import psycopg

from headrace.errors import SystemUnavailable
from headrace.systems.retry import Backoff, Transient
from headrace.systems.text import one_line

T = TypeVar("T")

PATIENCE: Final = Backoff(tries=7, first_s=0.5, longest_s=8.0)
"""Tries of one step: about 25 seconds in all."""
PASSING: Final = (
    Transient, SystemUnavailable, psycopg.OperationalError, psycopg.InterfaceError, httpx.TransportError,
    subprocess.TimeoutExpired, HTTPException, xmlrpc.client.ProtocolError, OSError,
)  # fmt: skip
"""Errors of a server that starts, is restarted or is busy."""
LASTING: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
)
"""Of OSError, those that do not pass by themselves."""
AGAIN: Final = "then run ./headrace up again; it goes on from there"


class StepFailed(Exception):
    """A step of `up` did not succeed; the message says which, why, where more stands and what to do."""


def take(
    what: str,
    call: Callable[[], T],
    *,
    log: Path | None = None,
    patience: Backoff = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what the step returns. `what` completes "could not …".

    Raises:
        StepFailed: it failed for good, or as often as the patience allows. What is a sentence already passes.
    """
    failures = 0
    while True:
        try:
            return call()
        except Exception as error:
            failures += 1
            if is_sentence(error) and not isinstance(error, SystemUnavailable):
                raise
            if failures == patience.tries or not passes(error):
                raise StepFailed(_sentence(what, error, failures, log)) from error
            sleep(patience.wait_s(failures))


def passes(error: BaseException) -> bool:
    """Whether trying again may help."""
    return isinstance(error, PASSING) and getattr(error, "errno", None) not in LASTING


def side_by_side(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs at once. Raises the first error as soon as it comes: an interrupt waits for no job either."""
    ends: queue.Queue[BaseException | None] = queue.Queue()

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            ends.put(error)
        else:
            ends.put(None)

    for job in jobs:
        threading.Thread(target=run, args=(job,), daemon=True).start()
    for _ in jobs:
        if error := ends.get():
            raise error


def is_sentence(error: BaseException) -> bool:
    """Whether the error is of a class of ours: its message says already what is wrong and what to do."""
    ours = type(error).__module__.startswith(("headrace.", "include."))
    return ours and not isinstance(error, Transient)


def _sentence(what: str, error: Exception, tries: int, log: Path | None) -> str:
    often = f" (tried {tries} times)" if tries > 1 else ""
    kind = "" if isinstance(error, PASSING) else f"{type(error).__name__}: "
    look = f"see {log}, " if log else ""
    return f"could not {what}: {kind}{one_line(error)}{often}; {look}{AGAIN}"
