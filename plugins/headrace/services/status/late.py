"""Is a dataset late? By what its contract promises and by how long changes wait at each hop. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from headrace.systems.platform.alerts import Severity

CONFIRMS_WITHIN_S: Final = 60.0
"""A source connector that reads confirms the log within so long, also when it has nothing to read."""
MUCH: Final = 10.0
MUCH_S: Final = 600.0
"""So many times the promise, and at least so long: then it is an error, before that a warning."""
LATE_LOOKS: Final = 2
FINE_LOOKS: Final = 3
"""So many looks in a row must agree: a single slow batch is no alert."""


class Waiting(NamedTuple):
    """How long changes of one dataset wait, in seconds; None: none does, or it could not be asked."""

    source_s: float | None = None
    """Written in the source, and the connector has not read so far."""
    kafka_s: float | None = None
    """The oldest change in Kafka that is not served, since its commit."""
    served_s: float | None = None
    """p95 from commit to readable, of what was served just now."""


class Late(NamedTuple):
    """How late, and in words."""

    severity: Severity
    text: str


def judge(dataset: str, promise_s: float, waiting: Waiting) -> Late | None:
    """None when the promise is kept; where nothing was traded nothing waits, and nothing is late."""
    found = [
        (waiting.source_s, max(promise_s, CONFIRMS_WITHIN_S), "wait in the source, which its connector does not read"),
        (waiting.kafka_s, promise_s, "wait in Kafka and are not served"),
        (waiting.served_s, promise_s, "took from commit to being served (p95 of what was served just now)"),
    ]
    late = [(seconds, words) for seconds, limit, words in found if seconds is not None and seconds > limit]
    if not late:
        return None
    worst = max(seconds for seconds, _ in late)
    facts = "; ".join(f"changes {words}: {_duration(seconds)}" for seconds, words in late)
    severity: Severity = "error" if worst > max(MUCH * promise_s, MUCH_S) else "warning"
    return Late(severity, f"{dataset} is late: {facts}; promised: {_duration(promise_s)}")


@dataclass(slots=True)
class Steady:
    """What was said of one dataset, changed only when several looks in a row agree."""

    late: bool = False
    streak: int = 0
    """Looks in a row that say otherwise."""

    def says(self, late: bool) -> bool:
        """After one more look: whether it is late."""
        self.streak = 0 if late == self.late else self.streak + 1
        if self.streak >= (FINE_LOOKS if self.late else LATE_LOOKS):
            self.late, self.streak = late, 0
        return self.late


class Place(NamedTuple):
    """A place in the source's log, and when it was written, in seconds."""

    position: int
    at: float


@dataclass(slots=True)
class SourceMemory:
    """Since when a table's changes wait in the source's log: from one look at its counters to the next."""

    writes: dict[str, int] = field(default_factory=dict)
    first: dict[str, Place] = field(default_factory=dict)
    """Table → the oldest write that was not read yet."""
    last: dict[str, Place] = field(default_factory=dict)
    """Table → the newest write."""

    def observe(self, now: float, written: int, confirmed: int, writes: Mapping[str, int]) -> dict[str, float]:
        """Table → for how many seconds its oldest unread write waits; tables of which none does are left out.

        Args:
            now: seconds, on any clock that does not jump.
            written: end of the source's log, looked at after `writes`.
            confirmed: how far the connector has read it.
            writes: table → rows written since ever; what was rolled back counts too, and waits for nobody once the
                connector has read past it.
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
