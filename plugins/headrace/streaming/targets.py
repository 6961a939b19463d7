"""Cache of the target tables' current columns, so that an added column is filled without a restart."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from headrace.errors import SystemRefused
from headrace.streaming.datasets import Served
from headrace.streaming.patience import Patience
from headrace.streaming.sink import Sink

DRIFT_RECHECK_S: Final = 30.0
"""Seconds after which a column that was added to the target after its records is detected."""

Columns = Mapping[str, Mapping[str, str]]
"""Table → column → ClickHouse type."""


@dataclass(slots=True)
class _Known:
    columns: Columns
    seen: set[int]
    """Schema ids seen since the columns were read."""
    drifts: bool = False
    read_at: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Return whether the columns must be re-read, since a missing column may have been added."""
        return self.drifts and time.monotonic() - self.read_at > DRIFT_RECHECK_S


class Targets:
    """Columns by dataset. Re-read at a new schema id, and every DRIFT_RECHECK_S seconds while there is drift."""

    def __init__(self, sink: Sink, patience: Patience) -> None:
        self._sink = sink
        self._patience = patience
        self._known: dict[str, _Known] = {}

    def columns(self, dataset: Served, schema_id: int) -> Columns:
        """Return the columns of the dataset's tables.

        Raises:
            SystemRefused: a table is missing.
            SystemUnavailable, Stopped: from the patience.
        """
        known = self._known.get(dataset.id)
        if known is not None and schema_id in known.seen and not known.is_due:
            return known.columns
        columns = self._patience.outlast(lambda: self._sink.columns(dataset.tables))
        missing = [table for table in dataset.tables if table not in columns]
        if missing:
            raise SystemRefused(
                "warehouse", self._sink.address, f"there is no table {', '.join(missing)}; apply the contracts first"
            )
        seen = {schema_id} if known is None or known.columns != columns else known.seen | {schema_id}
        self._known[dataset.id] = _Known(columns, seen)
        return columns

    def drifts(self, dataset: Served, *, drifts: bool) -> None:
        """Record whether the source has columns that the target does not have."""
        self._known[dataset.id].drifts = drifts
