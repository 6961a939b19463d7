"""What a query has done and how it is: written by the query's own thread, read by the driver's."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

State = Literal["running", "restarting", "down"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a batch came to."""

    rows: int = 0
    dead_letters: int = 0
    drift: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Dataset → columns that only the source has."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Topic → why none of its records were served: they are to be served again."""

    def plus(self, other: Done) -> Done:
        """Both together."""
        drift = {name: {*self.drift.get(name, ()), *other.drift.get(name, ())} for name in (*self.drift, *other.drift)}
        held = {**self.held, **other.held}
        return Done(self.rows + other.rows, self.dead_letters + other.dead_letters, drift, held)


@dataclass(slots=True)
class Pulse:
    """The pulse of one query."""

    query: str
    state: State = "running"
    batch_id: int | None = None
    rows: int = 0
    """Of the last batch."""
    rows_total: int = 0
    """Since the driver started."""
    rows_per_s: float = 0.0
    lag: int = 0
    """Kafka records that are not read yet."""
    dead_letters: int = 0
    drift: str = ""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Topic → why it is not served, while the others are."""
    last_error: str = ""
    last_error_at: datetime | None = None
    moved_at: float = field(default_factory=time.monotonic)
    """When the query last did something, on the monotonic clock."""
    _batch_at: float = field(default_factory=time.monotonic, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def batch(self, batch_id: int, done: Done) -> None:
        """A batch was finished: an error that stood in its way is over."""
        with self._lock:
            self.batch_id, self.rows = batch_id, done.rows
            now = time.monotonic()
            self.rows_per_s = done.rows / max(now - self._batch_at, 1e-3)
            self._batch_at = now
            self.rows_total += done.rows
            self.dead_letters += done.dead_letters
            self.drift = drift_text(done.drift)
            self.state, self.last_error, self.last_error_at = "running", "", None
            self.moved_at = time.monotonic()

    def waits(self, why: str) -> None:
        """The query waits for a system, or (with "") no longer does."""
        with self._lock:
            if why != self.last_error:
                self.last_error = why
                self.last_error_at = datetime.now(UTC) if why else None
            self.moved_at = time.monotonic()

    def moved(self) -> None:
        """The query is well and has nothing to do."""
        self.moved_at = time.monotonic()

    def failed(self, state: State, why: str) -> None:
        """The query failed."""
        with self._lock:
            self.state, self.last_error, self.last_error_at = state, why, datetime.now(UTC)
            self.moved_at = time.monotonic()


def drift_text(drift: Mapping[str, Collection[str]]) -> str:
    """`retail.products: brand_code, shelf; …`."""
    return "; ".join(f"{dataset}: {', '.join(sorted(drift[dataset]))}" for dataset in sorted(drift) if drift[dataset])
