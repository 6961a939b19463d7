"""Bounded retries of a streaming query while a system does not answer, with backoff, jitter and status notes."""

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
    """Raised when the driver is stopping. Interrupted work is repeated after the next start."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Retry policy of a query."""

    limit_s: float
    """Seconds to retry one call, at most."""
    note: Callable[[str], None]
    """Callback that gets the reason for the wait at every failure, and "" when the wait is over."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Event that ends every wait."""
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.2, longest_s=5.0))

    def outlast(self, call: Callable[[], T]) -> T:
        """Run the call and retry it after `SystemUnavailable`. The call must be safe to repeat.

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
