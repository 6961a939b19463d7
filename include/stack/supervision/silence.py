"""Tell which process runs and does not answer. Pure: times come as arguments.

Silence is counted per process from its last answer, and begins anew with each new process id. Two silences are none of its
own: while a process that it needs is silent too, and while nobody asked it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LEAST_ASKED: Final = 3
"""Questions in a row without an answer before a process counts as hung, however long that took."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known of one process."""

    pid: int
    since: float
    """When it last answered, or was first seen."""
    asked: int = 0
    """Questions since then."""
    answered: bool = False
    """Whether this process id ever answered."""

    def after(self, *, answers: bool, now: float) -> Silence:
        """Return what is known after one more question."""
        if answers:
            return Silence(self.pid, now, answered=True)
        return replace(self, asked=self.asked + 1)

    def excused(self, now: float) -> Silence:
        """Return the same with the silence beginning now: it could not answer."""
        return replace(self, since=now, asked=0)

    def hung(self, now: float, hang_s: float, start_s: float) -> bool:
        """Return whether it has been silent for too long. One that never answered may still be starting."""
        limit = hang_s if self.answered else max(hang_s, start_s)
        return self.asked >= LEAST_ASKED and now - self.since >= limit
