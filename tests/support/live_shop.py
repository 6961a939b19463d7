"""A live shop in a thread, for tests in which the source must change while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from include.shop.live import LiveSettings, run_live
from include.shop.pacing import Stop
from include.shop.statistics import Statistics
from tests.support.waiting import wait_until

ROWS_PER_S = 40


class Shop:
    """It trades until it is closed."""

    def __init__(self, dsn: str, seed: int, rows_per_s: float = ROWS_PER_S) -> None:
        self._stop = Stop()
        self.statistics: Statistics | None = None
        self.committed = 0
        self._thread = threading.Thread(target=self._live, args=(dsn, seed, rows_per_s))
        self._thread.start()

    def _live(self, dsn: str, seed: int, rows_per_s: float) -> None:
        def count(batch: object, outcome: object) -> None:
            self.committed += 1

        self.statistics = run_live(
            dsn, LiveSettings(rows_per_s=rows_per_s, seed=seed), stop=self._stop, on_commit=count
        )

    def wait_for_commits(self, more: int, seconds: float = 60) -> None:
        """Wait until the shop has committed so many transactions more."""
        wanted = self.committed + more
        wait_until(lambda: self.committed >= wanted, seconds, f"the shop committed {self.committed} of {wanted}")

    def close(self) -> Statistics:
        self._stop.request()
        self._thread.join(60)
        assert self.statistics is not None, "the shop did not end well"
        return self.statistics


@contextmanager
def open_shop(dsn: str, seed: int) -> Iterator[Shop]:
    """The shop writes inside the block."""
    shop = Shop(dsn, seed)
    try:
        yield shop
    finally:
        statistics = shop.close()
    assert statistics.rows > 0
