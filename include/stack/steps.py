"""Steps of `./headrace up`: retry transient errors and report all others in one sentence."""

from __future__ import annotations

import errno
import subprocess
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
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
"""Retries of one step: about 25 seconds in total."""
PASSING: Final = (
    Transient, SystemUnavailable, psycopg.OperationalError, psycopg.InterfaceError, httpx.TransportError,
    subprocess.TimeoutExpired, HTTPException, xmlrpc.client.ProtocolError, OSError,
)  # fmt: skip
"""Transient errors: a server is starting, restarting or busy."""
LASTING: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
)
"""Error numbers of OSError that are not transient."""
AGAIN: Final = "then run ./headrace up again to continue"


class StepFailed(Exception):
    """A step of `up` failed; the message names the step, the cause, the log and the next step."""


def take(
    what: str,
    call: Callable[[], T],
    *,
    log: Path | None = None,
    patience: Backoff = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Run a step with retries and return its result. `what` completes "could not …".

    Errors of our own classes pass through unchanged, except SystemUnavailable.

    Raises:
        StepFailed: the error is not transient, or all retries failed.
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
    """Return whether the error is transient, so that a retry may succeed."""
    return isinstance(error, PASSING) and getattr(error, "errno", None) not in LASTING


def side_by_side(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs concurrently. Raises the first error at once. An error or an interrupt does not wait for other jobs."""
    for ended in wait([in_background(job) for job in jobs], return_when=FIRST_EXCEPTION).done:
        ended.result()


def in_background(job: Callable[[], None]) -> Future[None]:
    """Start the job in a thread that an exit of the process does not wait for; return its result to come."""
    result: Future[None] = Future()

    def run() -> None:
        try:
            job()
        except BaseException as error:
            result.set_exception(error)
        else:
            result.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return result


def is_sentence(error: BaseException) -> bool:
    """Return whether the error is of one of our classes, whose messages name the problem and the next step."""
    ours = type(error).__module__.startswith(("headrace.", "include."))
    return ours and not isinstance(error, Transient)


def _sentence(what: str, error: Exception, tries: int, log: Path | None) -> str:
    often = f" (tried {tries} times)" if tries > 1 else ""
    kind = "" if isinstance(error, PASSING) else f"{type(error).__name__}: "
    hint = f"see {log}, " if log else ""
    return f"could not {what}: {kind}{one_line(error)}{often}; {hint}{AGAIN}"
