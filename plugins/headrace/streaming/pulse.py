"""Status of a query: written by the query's thread, read by the driver's."""

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
    """Result of a batch."""

    rows: int = 0
    dead_letters: int = 0
    drift: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Dataset → columns that exist only in the source."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Topic → why none of its records were served. They must be served again."""

    def plus(self, other: Done) -> Done:
        """Return the sum of both results."""
        drift = {name: {*self.drift.get(name, ()), *other.drift.get(name, ())} for name in (*self.drift, *other.drift)}
        held = {**self.held, **other.held}
        return Done(self.rows + other.rows, self.dead_letters + other.dead_letters, drift, held)


@dataclass(slots=True)
class Pulse:
    """Status of one query."""

    query: str
    state: State = "running"
    batch_id: int | None = None
    rows: int = 0
    """Rows of the last batch."""
    rows_total: int = 0
    """Rows since the driver started."""
    rows_per_s: float = 0.0
    lag: int = 0
    """Kafka records not read yet."""
    dead_letters: int = 0
    drift: str = ""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Topic → why it is not served."""
    last_error: str = ""
    last_error_at: datetime | None = None
    moved_at: float = field(default_factory=time.monotonic)
    """Time of the query's last progress, on the monotonic clock."""
    _batch_at: float = field(default_factory=time.monotonic, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def batch(self, batch_id: int, done: Done) -> None:
        """Record a finished batch, and clear the last error."""
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
        """Record why the query waits for a system, or (with "") that the wait is over."""
        with self._lock:
            if why != self.last_error:
                self.last_error = why
                self.last_error_at = datetime.now(UTC) if why else None
            self.moved_at = time.monotonic()

    def moved(self) -> None:
        """Record that the query is healthy."""
        self.moved_at = time.monotonic()

    def failed(self, state: State, why: str) -> None:
        """Record a failure of the query."""
        with self._lock:
            self.state, self.last_error, self.last_error_at = state, why, datetime.now(UTC)
            self.moved_at = time.monotonic()


def drift_text(drift: Mapping[str, Collection[str]]) -> str:
    """Return the drift as text: `retail.products: brand_code, shelf; …`."""
    return "; ".join(f"{dataset}: {', '.join(sorted(drift[dataset]))}" for dataset in sorted(drift) if drift[dataset])
