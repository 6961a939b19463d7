"""In-memory lookup of another dataset's column by key, refreshed from ClickHouse."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import polars as pl

from headrace.streaming.metrics.spec import Lookup
from headrace.streaming.patience import Patience, Stopped
from headrace.streaming.sink import Sink

REFRESH_S: Final = 30.0
"""Seconds after which a changed value is used, and an unlisted key is looked up again."""
REREAD_S: Final = 5.0
"""Seconds between two re-reads while facts wait."""
POLL_S: Final = 1.0
SERVED_S: Final = 600.0
"""Seconds for which the first facts wait until the other dataset is served."""
LISTED_S: Final = 60.0
"""Seconds for which later facts wait."""


class Found:
    """Values of one lookup."""

    def __init__(self, lookup: Lookup, sink: Sink, patience: Patience, is_served: Callable[[], bool]) -> None:
        """Create it. `is_served` returns whether the query `cdc` has reached the end of the other dataset's topic."""
        self._lookup = lookup
        self._sink = sink
        self._patience = patience
        self._is_served = is_served
        self._known = pl.DataFrame()
        self._read_at = float("-inf")
        self._wait_s = SERVED_S
        self._unlisted = pl.Series(dtype=pl.Int64)

    def add(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return the lines with the lookup's column added.

        Lines with an unlisted key wait, up to a limit, until the other dataset is served. Then the key counts as
        unknown. Raises SystemUnavailable, Stopped.
        """
        keys = lines[self._lookup.key].unique()
        if time.monotonic() - self._read_at > REFRESH_S:
            self._read()
        if not self._lists(keys):
            self._await(keys)
        column = pl.col(self._lookup.column).fill_null(self._lookup.unknown)
        return lines.join(self._known, on=self._lookup.key, how="left").with_columns(column)

    def _await(self, keys: pl.Series) -> None:
        deadline = time.monotonic() + self._wait_s
        while True:
            served = self._is_served()  # asked before reading, so that all served rows are read
            if served or time.monotonic() - self._read_at > REREAD_S:
                self._read()
            if served or self._lists(keys) or time.monotonic() > deadline:
                break
            self._patience.note(f"waits for {self._lookup.dataset} to be served")
            if self._patience.stopping.wait(POLL_S):
                raise Stopped
        self._patience.note("")
        self._wait_s = LISTED_S
        self._unlisted = keys.filter(~keys.is_in(self._known[self._lookup.key].implode()))

    def _lists(self, keys: pl.Series) -> bool:
        known = keys.is_in(self._known[self._lookup.key].implode())
        return bool((known | keys.is_in(self._unlisted.implode())).all())

    def _read(self) -> None:
        key, column = self._lookup.key, self._lookup.column
        database, table = self._lookup.dataset.split(".")
        query = f"SELECT `{key}`, `{column}` FROM `{database}`.`{table}`"  # noqa: S608 - names of a contract
        frame = pl.from_arrow(self._patience.outlast(lambda: self._sink.query_arrow(query)))
        assert isinstance(frame, pl.DataFrame)
        self._known = frame.with_columns(pl.col(column).cast(pl.String))
        self._read_at = time.monotonic()
        self._unlisted = self._unlisted.clear()
