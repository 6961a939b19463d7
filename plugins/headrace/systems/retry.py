"""Retries with exponential backoff and jitter, only for transient failures."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from headrace.errors import SystemUnavailable

T = TypeVar("T")


class Transient(Exception):
    """Transient failure: a refused connection, a time-out, a busy server."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Number of tries and the waits between them: the wait doubles, half of it is random."""

    tries: int = 5
    first_s: float = 0.25
    longest_s: float = 4.0

    def wait_s(self, failures: int, jitter: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait after `failures` failures (1 or more)."""
        whole = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 32))
        return whole * (0.5 + 0.5 * jitter())


def persist(
    call: Callable[[], T],
    *,
    system: str,
    address: str,
    next_step: str,
    backoff: Backoff,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return the call's result; retry it after a `Transient` failure.

    Raises:
        SystemUnavailable: every try failed. The message has cause, start time and next step.
    """
    since = datetime.now(UTC)
    for failures in range(1, backoff.tries + 1):
        try:
            return call()
        except Transient as error:
            if failures == backoff.tries:
                raise unavailable(system, address, str(error), since, failures, next_step) from error
        sleep(backoff.wait_s(failures))
    raise ValueError("a backoff needs at least one try")


def unavailable(
    system: str, address: str, cause: str, since: datetime, tries: int, next_step: str
) -> SystemUnavailable:
    """Return the error for a system that does not answer."""
    times = "once" if tries == 1 else f"{tries} times"
    return SystemUnavailable(
        system,
        address,
        f"{cause} (tried {times} since {since:%Y-%m-%d %H:%M:%S} UTC). {next_step}",
    )
