"""Call several systems at once; neither an interrupt nor a system that does not answer makes the others wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from headrace.errors import SystemUnavailable

T = TypeVar("T")

PATIENCE_S: Final = 15.0
"""Seconds of successive calls without an answer after which a system is not called again in the same round.

Longer than one call may take, so that one slow table does not hide the others.
"""


def begin(call: Callable[[], T]) -> Future[T]:
    """Run the call in a daemon thread and return its future. Python does not wait for the thread when it exits."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Round:
    """Calls to one system, one after the other, in one measurement.

    A refused connection costs no time, so every call is made. After PATIENCE_S of successive calls that time out, the
    last failure is raised at once for the remaining calls.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waited_s = 0.0
        self._failure: SystemUnavailable | None = None

    def run(self, call: Callable[[], T]) -> T:
        """Return the call's result. Raises SystemFailure."""
        if self._failure and self._waited_s >= PATIENCE_S:
            raise self._failure
        waited_s, self._waited_s = self._waited_s, 0.0  # an answer ends the waiting, also if it is a refusal
        began = self._clock()
        try:
            return call()
        except SystemUnavailable as failure:
            self._waited_s = waited_s + self._clock() - began
            self._failure = failure
            raise
