"""Statistics of a live run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from include.shop.script import Batch, Correction, Void
from include.shop.transactions import Outcome


@dataclass(slots=True)
class Statistics:
    """Counters of a live run."""

    run: int = 0
    """Number of this run; it determines the range of basket ids."""
    seconds: float = 0.0
    rows: int = 0
    """Rows inserted, updated or deleted by committed transactions."""
    commits: int = 0
    baskets: int = 0
    returns: int = 0
    late: int = 0
    corrections: int = 0
    voids: int = 0
    changes: int = 0
    """Updates of households and products."""
    redemptions: int = 0
    retries: int = 0
    found: int = 0
    """Commits without an answer that were later found committed."""
    unknown: int = 0
    """Commits without an answer whose outcome could not be checked before the stop (0 or 1)."""
    forgiven_s: float = 0.0
    """Seconds of delay that were dropped instead of caught up, e.g. after an outage."""
    away: str = ""
    """Why the database does not answer now; empty when it does."""

    def add(self, batch: Batch, outcome: Outcome) -> None:
        """Count one batch by its outcome."""
        self.away = ""
        self.unknown += outcome == "unknown"
        self.found += outcome == "found"
        if outcome in ("abandoned", "unknown"):
            return
        self.rows += batch.changes
        self.commits += 1
        self.baskets += len(batch.baskets)
        self.returns += sum(basket.kind == "return" for basket in batch.baskets)
        self.late += sum(bool(basket.lateness) for basket in batch.baskets)
        self.redemptions += sum(basket.redemption is not None for basket in batch.baskets)
        self.corrections += sum(isinstance(rider, Correction) for rider in batch.riders)
        self.voids += sum(isinstance(rider, Void) for rider in batch.riders)
        self.changes += sum(not isinstance(rider, Correction | Void) for rider in batch.riders)

    def line(self, since: Statistics | None = None) -> str:
        """Return a one-line summary; the rate is since earlier statistics, or of the whole run."""
        before = since or Statistics()
        rate = (self.rows - before.rows) / max(self.seconds - before.seconds, 1e-6)
        parts = [
            f"{self.seconds:6.1f} s",
            f"{self.rows:,} rows",
            f"{rate:,.1f} rows/s",
            f"{self.baskets:,} baskets",
            f"{self.corrections} corrected, {self.returns} returned, {self.voids} voided",
            f"{self.late} late",
            f"{self.changes} records changed, {self.redemptions} coupons redeemed",
        ]
        if self.retries:
            parts.append(f"{self.retries} retries, {self.found} found committed")
        if self.unknown:
            parts.append("outcome of the last transaction unknown")
        if self.away:
            parts.append(f"database unavailable: {self.away}")
        return " · ".join(parts)


@contextmanager
def reporting(
    statistics: Statistics, on_progress: Callable[[Statistics], None], every_s: float = 1.0
) -> Iterator[None]:
    """Pass a copy of the statistics to `on_progress` every `every_s` seconds; set its seconds on exit."""
    begun = time.monotonic()
    done = threading.Event()

    def report() -> None:
        while not done.wait(every_s):
            on_progress(replace(statistics, seconds=time.monotonic() - begun))

    reporter = threading.Thread(target=report, name="shop-progress", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()
        statistics.seconds = time.monotonic() - begun
