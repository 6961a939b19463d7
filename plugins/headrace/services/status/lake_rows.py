"""Rows of lake tables, from the catalog's metadata alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headrace.errors import SystemFailure
from headrace.services.status.calls import Round
from headrace.services.status.table import Hop, absent, unavailable
from headrace.systems.lake.hook import LakeHook


@dataclass(frozen=True, slots=True)
class LakeRows:
    """Rows of lake tables, and why others could not be read."""

    rows: Mapping[str, int | None] = field(default_factory=dict)
    """Table → its rows; None if there is no such table."""
    failed: Mapping[str, Hop] = field(default_factory=dict)

    def hop(self, table: str) -> Hop:
        """Return the table's rows, or why there are none to show."""
        if table in self.failed:
            return self.failed[table]
        rows = self.rows.get(table)
        return absent(table, "lake") if rows is None else Hop(rows=rows)

    def empty(self, table: str) -> bool:
        """Return whether the table is known to have no rows, or not to exist."""
        return table not in self.failed and not self.rows.get(table)


def lake_rows(lake: LakeHook, tables: Iterable[str]) -> LakeRows:
    """Return the rows of these tables. A failure affects only its own table."""
    calls, rows, failed = Round(), dict[str, int | None](), dict[str, Hop]()
    for table in tables:
        try:
            rows[table] = calls.run(lambda table=table: lake.rows(table))  # type: ignore[misc]
        except SystemFailure as failure:
            failed[table] = unavailable(failure)
    return LakeRows(rows, failed)
