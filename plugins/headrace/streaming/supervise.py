"""Supervision of a driver's queries: each is restarted on its own."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from headrace.errors import SystemFailure
from headrace.streaming.pulse import Pulse
from headrace.streaming.queries import RunningQuery
from headrace.systems.retry import Backoff

log = logging.getLogger(__name__)

EXHAUSTED_S: Final = 60.0
"""Seconds before the restart of a query that failed too often, while another query of its driver is healthy."""
BACKOFF: Final = Backoff(first_s=1.0, longest_s=30.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Failure limit of a query: number of failures within a window."""

    restarts: int
    window_s: float


@dataclass(slots=True)
class Failures:
    """Failures of one query within the window."""

    limits: Limits
    at: deque[float] = field(default_factory=deque)

    def restart_after(self, now: float) -> float | None:
        """Count one failure; return the seconds until the restart, or None if the limit is reached."""
        self.at.append(now)
        while self.at and self.at[0] < now - self.limits.window_s:
            self.at.popleft()
        return None if len(self.at) >= self.limits.restarts else BACKOFF.wait_s(len(self.at))


class Supervised:
    """A query that is restarted when it fails."""

    def __init__(self, pulse: Pulse, start: Callable[[], RunningQuery], limits: Limits) -> None:
        self.pulse = pulse
        self.running: RunningQuery | None = None
        self._start = start
        self._failures = Failures(limits)
        self._start_at: float | None = 0.0
        self.exhausted = False
        """True if the failure limit is reached; it is then restarted rarely."""

    def tend(self) -> None:
        """Start the query if due, check its health, record its failure. Raises nothing caused by one query."""
        if self.running is None:
            if self._start_at is not None and time.monotonic() >= self._start_at:
                self._try_start()
            elif self._start_at is not None:
                self.pulse.moved()
        elif not self.running.query.isActive:
            self._failed(self.running.why_it_ended())
        elif self.running.stale:
            self.running.close()
            self.running, self._start_at = None, 0.0
        else:
            self.running.poll()

    def stop(self) -> None:
        """Stop the query. Its last batch is repeated after the next start."""
        if self.running is not None:
            self.running.close()

    def _try_start(self) -> None:
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            self.running = self._start()
        except (Py4JJavaError, PySparkException, SystemFailure) as error:
            self._failed(" ".join(str(error).split())[:500])

    def _failed(self, why: str) -> None:
        now = time.monotonic()
        if self.running is not None:
            self.running.close()
        self.running = None
        wait_s = self._failures.restart_after(now)
        self.exhausted = wait_s is None
        wait_s = EXHAUSTED_S if wait_s is None else wait_s
        self._start_at = now + wait_s
        self.pulse.failed("restarting", why)
        log.warning("query %s restarts in %.1f s: %s", self.pulse.query, wait_s, why)

    def give_up(self) -> None:
        """Keep the query down."""
        self._start_at = None
        self.pulse.failed("down", self.pulse.last_error)
        log.error("query %s stays down: %s", self.pulse.query, self.pulse.last_error)
