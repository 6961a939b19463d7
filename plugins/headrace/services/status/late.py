"""Decide whether a dataset is late, from its SLA and the wait of its changes at each hop. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from headrace.systems.platform.alerts import Severity

CONFIRMS_WITHIN_S: Final = 60.0
"""Seconds within which a running source connector confirms the log, also when there is nothing to read."""
MUCH: Final = 10.0
MUCH_S: Final = 600.0
"""Late by more than this many times the SLA and this many seconds is an error; before that a warning."""
LATE_POLLS: Final = 2
ON_TIME_POLLS: Final = 3
"""Consecutive polls that must agree: a single slow batch raises no alert."""


class Waiting(NamedTuple):
    """Seconds that changes of one dataset wait; None: none waits, or it could not be measured."""

    source_s: float | None = None
    """Age of the oldest write in the source that the connector has not read."""
    kafka_s: float | None = None
    """Age, since its commit, of the oldest change in Kafka that is not served."""
    served_s: float | None = None
    """p95 from commit to readable, of recently served changes."""


class Late(NamedTuple):
    """Severity and description of a late dataset."""

    severity: Severity
    text: str


def judge(dataset: str, promise_s: float, waiting: Waiting) -> Late | None:
    """Return how late the dataset is; None when the SLA is met. Without new changes nothing is late."""
    found = [
        (waiting.source_s, max(promise_s, CONFIRMS_WITHIN_S), "wait in the source, which its connector does not read"),
        (waiting.kafka_s, promise_s, "wait in Kafka and are not served"),
        (waiting.served_s, promise_s, "took from commit to being served (p95 of recent changes)"),
    ]
    late = [(seconds, text) for seconds, limit, text in found if seconds is not None and seconds > limit]
    if not late:
        return None
    worst = max(seconds for seconds, _ in late)
    facts = "; ".join(f"changes {text}: {_duration(seconds)}" for seconds, text in late)
    severity: Severity = "error" if worst > max(MUCH * promise_s, MUCH_S) else "warning"
    return Late(severity, f"{dataset} is late: {facts}; promised: {_duration(promise_s)}")


@dataclass(slots=True)
class Steady:
    """State of one dataset, changed only when several consecutive polls agree."""

    late: bool = False
    streak: int = 0
    """Consecutive polls that disagree with the state."""

    def update(self, late: bool) -> bool:
        """Add a poll's result; return whether the dataset is late."""
        self.streak = 0 if late == self.late else self.streak + 1
        if self.streak >= (ON_TIME_POLLS if self.late else LATE_POLLS):
            self.late, self.streak = late, 0
        return self.late


class Place(NamedTuple):
    """Position in the source's log, and the time of its write, in seconds."""

    position: int
    at: float


@dataclass(slots=True)
class SourceMemory:
    """Tracks since when a table's changes wait in the source's log, from its counters at each poll."""

    writes: dict[str, int] = field(default_factory=dict)
    first: dict[str, Place] = field(default_factory=dict)
    """Table → the oldest write that was not read yet."""
    last: dict[str, Place] = field(default_factory=dict)
    """Table → the newest write."""

    def observe(self, now: float, written: int, confirmed: int, writes: Mapping[str, int]) -> dict[str, float]:
        """Return, by table, the seconds that its oldest unread write waits; no entry without an unread write.

        Args:
            now: seconds of a monotonic clock.
            written: end of the source's log, read after `writes`.
            confirmed: position up to which the connector has read the log.
            writes: table → total rows written. Rolled-back rows count too, until the connector has read past them.
        """
        for table, count in writes.items():
            if count > self.writes.get(table, count):
                self.last[table] = Place(written, now)
                self.first.setdefault(table, self.last[table])
        self.writes = dict(writes)
        for table in list(self.first):
            if self.first[table].position <= confirmed:
                del self.first[table]
                if self.last[table].position > confirmed:
                    self.first[table] = self.last[table]
        return {table: now - place.at for table, place in self.first.items()}


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.1f} h"
