"""Detect running processes that do not answer health checks. Pure: times are arguments.

Silence is measured per process from its last answer, and restarts with each new process id. Two periods do not count:
while a process that it needs is silent too, and while no health check ran.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LEAST_CHECKS: Final = 3
"""Minimum number of consecutive unanswered health checks before a process counts as hung, regardless of time."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Health check record of one process id."""

    pid: int
    since: float
    """Time of the last answer, or of the first check."""
    checks: int = 0
    """Health checks since then."""
    answered: bool = False
    """Whether this process id ever answered."""

    def after(self, *, answers: bool, now: float) -> Silence:
        """Return the record after one more health check."""
        if answers:
            return Silence(self.pid, now, answered=True)
        return replace(self, checks=self.checks + 1)

    def excused(self, now: float) -> Silence:
        """Return the record with its silence restarted at `now`, because the process could not answer."""
        return replace(self, since=now, checks=0)

    def hung(self, now: float, hang_s: float, start_s: float) -> bool:
        """Return whether it has been silent for too long. A process that never answered has `start_s` to start."""
        limit = hang_s if self.answered else max(hang_s, start_s)
        return self.checks >= LEAST_CHECKS and now - self.since >= limit
