"""Keep a pace by the monotonic clock, and stop at once when asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Stop:
    """A wish to stop, by whoever asks first: a signal, another thread, or the deadline."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._deadline: float | None = None

    def after(self, seconds: float) -> None:
        """Stop so long after now, if nobody asks before."""
        self._deadline = time.monotonic() + seconds

    def request(self) -> None:
        """Ask to stop; may be called from a signal handler or another thread."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """True once stopping was asked for or the deadline has passed."""
        return self._event.is_set() or self._left() == 0

    def wait(self, seconds: float) -> bool:
        """Sleep so long, or until stopping is asked for; True in that case."""
        left = self._left()
        self._event.wait(max(0.0, seconds if left is None else min(seconds, left)))
        return self.requested

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class Pacer:
    """Says when work is due, in seconds since the first call.

    A delay of up to `debt_s` is made good by going faster; what is beyond is forgiven, so that
    an outage is not followed by a burst.
    """

    def __init__(self, stop: Stop, *, debt_s: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._debt_s = debt_s
        self._clock = clock
        self._origin: float | None = None
        self.forgiven_s = 0.0
        """Delay that was not made good."""

    def wait_until(self, due_s: float) -> bool:
        """Sleep until `due_s` seconds after the first call; False when asked to stop."""
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
