"""One initial load of every dataset: the source connector starts over with a fresh snapshot, and is watched.

What is measured is what a new connector does: snapshot, Kafka, raw lake and warehouse at once. The
topics and tables hold the earlier rows too, so the warehouse also merges; the programs are warm.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import cpu
from benchmarks.arrivals import landed, landed_at, served_since
from benchmarks.context import Context, Seldom
from benchmarks.stats import per_second
from benchmarks.topics import last_produced
from headrace.contracts import names
from headrace.services.connectors.recovery import FreshStart, start_over
from headrace.systems.bundle import Systems

WITHIN_S = 1200.0
CONNECTION = "oltp"


@dataclass(frozen=True, slots=True)
class Load:
    """An initial load: rows, seconds from the connector's start to the last row at each hop, CPU until then."""

    rows: int
    seconds: Mapping[str, float] = field(hash=False)
    cpu: Mapping[str, Any] = field(hash=False)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "rows": self.rows,
            "seconds": {hop: round(value, 2) for hop, value in self.seconds.items()},
            "rows_per_s": {hop: per_second(self.rows, value) for hop, value in self.seconds.items()},
            "rows_per_cpu_s": cpu.rows_per_cpu_s(self.rows, self.cpu),
            "cpu_s": dict(self.cpu),
        }


def load_again(context: Context) -> Load:
    """Start over and wait until every row was read again, landed and served.

    Raises:
        NotMeasured: it took longer than WITHIN_S.
    """
    systems = context.systems
    rows = source_rows(context, systems)
    before = landed(systems.lake, context.contracts)
    wanted = {names.raw_table(c): before[names.raw_table(c)] + rows[c.id] for c in context.contracts}
    began, used, fresh = _start(context, systems)
    served_at = _wait_served(context, systems, fresh, sum(rows.values()))
    _wait_landed(context, systems, wanted)
    spent = cpu.spent(used, context.cpu())
    landed_last = max(landed_at(systems.lake, t, n) or 0.0 for t, n in wanted.items() if n > before[t])
    produced_last = last_produced(systems.kafka, fresh.starts)
    seconds = {"kafka": produced_last - began, "raw": landed_last - began, "warehouse": served_at - began}
    return Load(sum(rows.values()), seconds, spent)


def source_rows(context: Context, systems: Systems) -> dict[str, int]:
    """Dataset → rows of its table."""
    tables = {c.id: c.source.table or "" for c in context.contracts}
    counts = systems.sources[CONNECTION].row_counts(tables.values())
    return {dataset: counts[table] for dataset, table in tables.items()}


def _start(context: Context, systems: Systems) -> tuple[float, cpu.Reading, FreshStart]:
    """When the connector was resumed (epoch seconds), what was used until then, and where its records begin."""
    steps: list[tuple[float, cpu.Reading]] = []

    def log(line: str) -> None:
        steps.append((time.time(), context.cpu()))
        context.report(line)

    source = systems.sources[CONNECTION]
    fresh = start_over(systems.connect, systems.kafka, source, CONNECTION, context.contracts, _forget, log)
    # The last step says that it runs; with the one before, the slot was gone and it was resumed.
    return *steps[-2], fresh


def _forget(fresh: FreshStart) -> None:
    """Nothing vanishes from the source unseen while nobody changes it, so nobody need reconcile."""


def _wait_served(context: Context, systems: Systems, fresh: FreshStart, total: int) -> float:
    progress = Seldom(context.report)

    def done() -> bool:
        found = sum(served_since(systems.warehouse, c, fresh.starts[names.topic(c)]) for c in context.contracts)
        progress(f"served: {found:,} of {total:,} rows")
        return found >= total

    return context.wait(done, WITHIN_S, "rows in the warehouse", every_s=0.5)


def _wait_landed(context: Context, systems: Systems, wanted: Mapping[str, int]) -> None:
    progress = Seldom(context.report)

    def done() -> bool:
        missing = {table: wanted[table] - n for table, n in landed(systems.lake, context.contracts).items()}
        progress(f"raw lake: {sum(max(0, n) for n in missing.values()):,} rows to come")
        return all(n <= 0 for n in missing.values())

    context.wait(done, WITHIN_S, "rows in the raw lake", every_s=1)
