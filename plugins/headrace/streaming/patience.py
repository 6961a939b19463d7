"""Waiting out a system that does not answer: bounded, with growing waits and jitter, and never in silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.errors import SystemUnavailable
from headrace.systems.retry import Backoff

T = TypeVar("T")


class Stopped(Exception):
    """The driver is stopping: whatever was under way is done again after the next start."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a query waits."""

    limit_s: float
    """How long at most, for one call."""
    note: Callable[[str], None]
    """Is told why the query waits at every failure, and "" when the wait is over."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Ends every wait."""
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.2, longest_s=5.0))

    def outlast(self, call: Callable[[], T]) -> T:
        """The call's answer, however often `SystemUnavailable` came before it; the call must be safe to repeat.

        Raises:
            SystemUnavailable: the limit is reached.
            Stopped: the driver is stopping.
        """
        deadline = time.monotonic() + self.limit_s
        failures = 0
        while True:
            try:
                answer = call()
            except SystemUnavailable as error:
                failures += 1
                wait_s = self.backoff.wait_s(failures)
                if time.monotonic() + wait_s > deadline:
                    raise
                self.note(str(error))
                if self.stopping.wait(wait_s):
                    raise Stopped from None
            else:
                if failures:
                    self.note("")
                return answer
