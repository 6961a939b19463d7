"""Rate limiting by the monotonic clock, with immediate stop on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Stop:
    """Stop request, set by a signal, another thread or a deadline."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._deadline: float | None = None

    def after(self, seconds: float) -> None:
        """Set a deadline this many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def request(self) -> None:
        """Request a stop; safe to call from a signal handler or another thread."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """True after a stop request or after the deadline."""
        return self._event.is_set() or self._left() == 0

    def wait(self, seconds: float) -> bool:
        """Sleep this many seconds or until a stop is requested; return True if requested."""
        left = self._left()
        self._event.wait(max(0.0, seconds if left is None else min(seconds, left)))
        return self.requested

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class Pacer:
    """Pacer of work that is due at times in seconds since the first call.

    A delay of up to `debt_s` is caught up by working faster. Delay beyond that is dropped, so that
    no burst follows an outage.
    """

    def __init__(self, stop: Stop, *, debt_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._debt_s = debt_s
        self._clock = clock
        self._origin: float | None = None
        self.forgiven_s = 0.0
        """Seconds of delay that were dropped instead of caught up."""

    def wait_until(self, due_s: float) -> bool:
        """Sleep until `due_s` seconds after the first call; return False if a stop is requested."""
        now = self._clock()
        if self._origin is None:
            self._origin = now
        ahead_s = self._origin + due_s - now
        if ahead_s > 0:
            return not self._stop.wait(ahead_s)
        excess_s = -ahead_s - self._debt_s
        if excess_s > 0:
            self._origin += excess_s
            self.forgiven_s += excess_s
        return not self._stop.requested
