"""One trial: tables are made and captured, rows are written and changed, and every stage is compared with the source."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from headrace.services.connectors.missed_deletes import Progress
from headrace.services.connectors.rereading import reread
from include.stack.settings import Settings
from tests.fidelity import pending, shapes, writing
from tests.fidelity.audit import Audit
from tests.fidelity.changes import Change
from tests.fidelity.compare import Comparison
from tests.fidelity.kinds import KINDS
from tests.fidelity.rows import Pools, Row, rows
from tests.fidelity.source import Source
from tests.fidelity.stages.kafka import Captured
from tests.fidelity.tables import SCHEMA, Column, K, Table, setup
from tests.fidelity.writing import Written
from tests.support.place import Place, place
from tests.support.waiting import wait_until

CAPTURED_WITHIN_S: Final = 300.0
READ_ANEW: Final = Progress(timeout_s=300.0, poll_s=0.5)
EARLY: Final = 5
"""Rows that a changed table gets before its contract is changed, and applied, too."""
FAST: Final = {"sink_commit_interval_ms": 1000}
SENTINEL: Final = Table("sentinel", (replace(K, in_key=True),), zones="raw")
"""Its rows are written last: what was committed before them is captured before them."""
ADDED: Final = Column("added", KINDS["text"], nullable=True)

Report = Callable[[str], None]
Refine = Callable[[], Sequence[Mapping[str, Any]]]


@dataclass(slots=True)
class Outcome:
    """What a trial found."""

    comparison: Comparison = field(default_factory=Comparison)
    changes: int = 0
    """Changes of rows in the source."""
    dead_letters: int = 0
    refused: tuple[str, ...] = ()
    """Refusals of the plan."""
    refinements: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[Table] = ()
    """The tables as they were in the end."""

    def add(self, other: Outcome) -> None:
        """Take in the counts of another trial."""
        self.comparison.add(other.comparison)
        self.changes += other.changes
        self.dead_letters += other.dead_letters


class Trial:
    """The tables of one trial at their place."""

    def __init__(self, at: Place, tables: Sequence[Table], rows_each: int, seed: int, report: Report) -> None:
        self._at = at
        self._tables = {table.name: table for table in (*tables, SENTINEL)}
        self._rows_each = rows_each
        self._seed = seed
        self._report = report
        self._chance = random.Random(seed)
        self._pools = Pools(seed, pending.HAZARDS.keys())
        self._written = Written()
        self._sentinels = 0
        self._captured = Captured(at.world.systems, at.domain, SCHEMA)

    def run(self) -> Outcome:
        """Write, wait, compare."""
        outcome = Outcome()
        with closing(Source(self._at.world.dsn)) as source:
            source.learn_types()
            for table in self._tables.values():
                source.run(table.ddl())
                self._at.declare(table.name, table.files(self._at.domain))
            self._refuse_generated()
            drawn = {table.name: self._draw(table) for table in self._tables.values() if table is not SENTINEL}
            self._write_first(source, drawn)
            outcome.refused = tuple(refusal.message for refusal in self._at.world.plan().refusals)
            self._at.world.apply()
            self._wait_for_capture(source)
            with self._at.streaming(), self._at.refining() as refine:
                self._write_more(source, drawn)
                self._change_shapes(source, drawn)
                self._write_last(source, drawn)
                self._wait_for_capture(source)
                self._read_anew(source)
                self._compare(source, outcome, refine)
        return outcome

    def _draw(self, table: Table) -> Iterator[Row]:
        return rows(table.columns, self._pools, self._chance)

    def _write_first(self, source: Source, drawn: Mapping[str, Iterator[Row]]) -> None:
        """A third of the rows are there before anything is captured."""
        for name, found in drawn.items():
            writing.insert(source, self._written, self._tables[name], _take(found, self._rows_each // 3), 0)
        self._report(f"{sum(map(len, self._written.changes.values())):,} rows are there before the capture")

    def _write_more(self, source: Source, drawn: Mapping[str, Iterator[Row]]) -> None:
        """The others while it streams, between changes of those that are there."""
        first, middle = self._rows_each // 3, self._rows_each * 2 // 3
        for name, found in drawn.items():
            table = self._tables[name]
            writing.insert(source, self._written, table, _take(found, middle - first), first)
            numbers = self._chance.sample(range(middle), middle // 3)
            writing.disturb(source, self._written, table, found, numbers, self._chance)

    def _refuse_generated(self) -> None:
        """The plan refuses a contract that has a generated column."""
        for name, table in self._tables.items():
            if table.generated:
                self._at.declare(name, table.with_column(shapes.DOUBLED).files(self._at.domain))
                refusals = [refusal.message for refusal in self._at.world.plan().refusals]
                assert any("is generated" in refusal for refusal in refusals), refusals
                self._at.declare(name, table.files(self._at.domain))

    def _change_shapes(self, source: Source, drawn: dict[str, Iterator[Row]]) -> None:
        """A column more: the contract first, then the source. Wider columns: the source first, with rows, then the contract."""
        chosen = [n for n, table in sorted(self._tables.items()) if table is not SENTINEL and not table.read_anew][:1]
        for name in chosen:
            self._declare(self._tables[name].with_column(ADDED))
        if shapes.RESHAPED.name in self._tables:
            self._reshape(source, drawn)
        self._at.world.apply()
        for name in chosen:
            source.run([f"ALTER TABLE {SCHEMA}.{name} ADD COLUMN {ADDED.ddl}"])

    def _reshape(self, source: Source, drawn: dict[str, Iterator[Row]]) -> None:
        name = shapes.RESHAPED.name
        source.run(shapes.widen())
        early = _take(self._draw(shapes.WIDENED), EARLY)
        writing.insert(source, self._written, shapes.WIDENED, early, writing.AFTER // 2)
        self._wait_for_capture(source)
        source.run(shapes.fill())
        drawn[name] = self._draw(shapes.FILLED)
        self._declare(shapes.FILLED)
        source.run(shapes.truncate())

    def _declare(self, table: Table) -> None:
        self._tables[table.name] = table
        self._at.declare(table.name, table.files(self._at.domain))

    def _read_anew(self, source: Source) -> None:
        """The truncated table is read anew, as its dead letter says."""
        if shapes.CLEARED.name not in self._tables:
            return
        began, world = time.monotonic(), self._at.world
        deleted = reread(
            world.systems, self._at.domain, [world.contract(shapes.CLEARED.name)], self._report, progress=READ_ANEW
        )
        self._report(f"{deleted} rows of a truncated table were deleted after {time.monotonic() - began:.1f} s")
        self._wait_for_capture(source)

    def _write_last(self, source: Source, drawn: Mapping[str, Iterator[Row]]) -> None:
        first = self._rows_each * 2 // 3
        for name, found in drawn.items():
            some = _take(found, self._rows_each - first)
            if self._tables[name].columns[-1] is ADDED:
                for row in some:
                    row.setdefault("added", "here")
            writing.insert(source, self._written, self._tables[name], some, first)

    def _wait_for_capture(self, source: Source) -> None:
        """Until what is committed now is in Kafka."""
        began = time.monotonic()
        self._sentinels += 1
        self._written.note(SENTINEL, source.insert(SENTINEL, [(self._sentinels, Row())]))
        wait_until(self._is_captured, CAPTURED_WITHIN_S, f"{SENTINEL.name} is not captured")
        self._report(f"captured after {time.monotonic() - began:.1f} s")

    def _is_captured(self) -> bool:
        """Whether the newest sentinel is in Kafka. Raises AssertionError when the connector has failed."""
        status = self._at.world.systems.connect.status(self._at.world.source)
        assert not (status and status.failures), [failure.sentence for failure in status.failures]
        ends = self._captured.ends(SENTINEL)
        return sum(1 for _ in self._captured.records(SENTINEL, {}, ends)) >= self._sentinels

    def _compare(self, source: Source, outcome: Outcome, refine: Refine) -> None:
        """Kafka, raw and the change history first; then cleaned and the view."""
        tables = [table for table in self._tables.values() if table.name != SENTINEL.name]
        audit = Audit(self._at, self._captured, tables, self._report)
        audit.wait()
        for table in tables:
            self._note(
                outcome,
                f"{table.name}, changes",
                audit.changes(table, self._changes(table), self._written.hazards[table.name]),
            )
            if table.name == shapes.CLEARED.name:
                assert audit.is_truncate_reported(table)
        outcome.refinements = refine()
        for table in tables:
            self._note(outcome, f"{table.name}, rows", audit.rows(table, source))
            outcome.changes += len(self._written.changes[table.name])
        outcome.dead_letters = audit.dead_letters
        outcome.tables = tables

    def _note(self, outcome: Outcome, what: str, found: Comparison) -> None:
        outcome.comparison.add(found)
        self._report(f"{what}: {found.values:,} values, {found.reported} reported, {found.silent} silent differences")

    def _changes(self, table: Table) -> Iterator[Change]:
        """The changes, with null in columns that came later."""
        width = len(table.columns)
        for change in self._written.changes[table.name]:
            values = change.values
            yield change if values is None else Change(change.key, values + (None,) * (width - len(values)))


def run_trial(
    settings: Settings, home: Path, tables: Sequence[Table], rows_each: int, seed: int, report: Report
) -> Outcome:
    """One trial at a place of its own."""
    with place(settings, home, setup("{domain}"), **FAST) as at:
        return Trial(at, tables, rows_each, seed, report).run()


def _take(found: Iterator[Row], count: int) -> list[Row]:
    return [row for _, row in zip(range(count), found, strict=False)]
