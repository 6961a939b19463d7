"""Decide when a refinement or the build of a mart is due. Pure, except for the load of the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, NamedTuple

AGAIN_S: Final = 900.0
IDLE_LOAD: Final = 0.25
"""Load average per core, over a minute, below which a machine is idle."""


class Seen(NamedTuple):
    """Observed state of what a dataset is computed from."""

    state: object
    """Equal states mean equal input, e.g. the number of changes in raw."""
    done: object
    """State from which the dataset was computed last."""
    rests_s: float = 0.0
    """Seconds until the next run is due; before that, one starts only on an idle machine."""


@dataclass(slots=True)
class Due:
    """Decides when to fire an event for new input: once, until a run has used it."""

    again_s: float = AGAIN_S
    """Seconds after which the event is fired again if no run used the input: the run failed, or was lost."""
    fired: bool = False
    fired_for: object = None
    """`done` at the last event."""
    fired_at: float = 0.0

    def is_due(self, seen: Seen, now: float, *, idle: bool = False) -> bool:
        """Return whether to fire; `now` is in seconds of a monotonic clock."""
        if seen.state == seen.done:
            self.fired = False
            return False
        if self.fired and self.fired_for == seen.done and now - self.fired_at < self.again_s:
            return False
        if seen.rests_s > 0 and not idle:
            return False
        self.fired, self.fired_for, self.fired_at = True, seen.done, now
        return True


def is_idle() -> bool:
    """Return whether this machine is idle enough for batch work now."""
    return os.getloadavg()[0] < IDLE_LOAD * (os.cpu_count() or 1)
