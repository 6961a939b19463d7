"""What the stages hold beside what the source did: reads them once they are done, and compares."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from tests.fidelity.capture import Capture, dead_letters_of
from tests.fidelity.changes import Change, Key, Position
from tests.fidelity.compare import Comparison, compare_records, compare_rows, reported_keys
from tests.fidelity.source import Source
from tests.fidelity.stages.dead_letters import DeadLetters, positions
from tests.fidelity.stages.kafka import Captured
from tests.fidelity.stages.lake import Lake
from tests.fidelity.stages.warehouse import Warehouse
from tests.fidelity.tables import Table
from tests.support.place import Place

ARRIVED_WITHIN_S: Final = 600.0
POLL_S: Final = 1.0
ALL: Final = (-(2**63), 2**63 - 1)
"""Every `k`."""


class Audit:
    """The stages of one trial, after its last write was captured."""

    def __init__(self, at: Place, captured: Captured, tables: Sequence[Table], report: Callable[[str], None]) -> None:
        systems = at.world.systems
        self._domain = at.domain
        self._captured = captured
        self._tables = {table.name: table for table in tables}
        self._report = report
        self._lake = Lake(systems, at.domain)
        self._warehouse = Warehouse(systems, at.domain)
        self._dead_letters = DeadLetters(systems, at.world.contracts)
        self._ends = {table.name: max(captured.ends(table).values(), default=0) for table in tables}
        self._records = {table.name: list(captured.records(table, {}, captured.ends(table))) for table in tables}
        self._refused: Mapping[str, Mapping[str, set[Position]]] = {}
        self._gone: dict[str, set[Key]] = {}
        """By table, the keys whose row the source's connector refused as it is now."""
        self.dead_letters = 0

    def wait(self) -> None:
        """Wait until raw and the change history have every record, or a dead letter of it.

        What is not there in time is compared as it is: each record that is missing is a difference.
        """
        began = time.monotonic()
        open_ = {(stage, name) for stage in ("raw", "warehouse") for name in self._tables}
        while open_ and time.monotonic() - began < ARRIVED_WITHIN_S:
            self._read_dead_letters()
            open_ = {each for each in open_ if self._is_missing(*each)}
            time.sleep(POLL_S)
        late = f"; not there: {', '.join(' '.join(each) for each in sorted(open_))}" if open_ else ""
        self._report(f"waited {time.monotonic() - began:.1f} s for the stages{late}")

    def changes(self, table: Table, written: Iterable[Change], hazards: Collection[int]) -> Comparison:
        """Compare what was written with Kafka, and Kafka with raw and with the change history.

        `hazards` are the numbers of the rows of which dead letters may be.
        """
        done, records, end = Comparison(), self._records[table.name], self._ends[table.name]
        if not table.read_anew:
            capture = Capture(table, self._reported_at_source(table), hazards)
            capture.compare(written, records)
            self._gone[table.name] = capture.refused
            done.add(capture.found)
        done.add(
            compare_records(table, "raw", records, self._lake.changes(table, 0, end), self._reported("raw", table))
        )
        changes = self._warehouse.changes(table, 0, end)
        done.add(compare_records(table, "warehouse", records, changes, self._reported("warehouse", table)))
        return done

    def rows(self, table: Table, source: Source) -> Comparison:
        """Compare the rows of the source with cleaned and with the view; the tables were refined before."""
        done, now, gone = Comparison(), source.rows(table, *ALL), self._gone.get(table.name, ())
        quarantined = self._lake.positions(table, 0, self._ends[table.name], "quarantine")
        by_refinement = reported_keys(self._records[table.name], self._reported("raw", table) | quarantined)
        done.add(compare_rows(table, "cleaned", now, self._lake.rows(table, *ALL), by_refinement, gone))
        by_stream = reported_keys(self._records[table.name], self._reported("warehouse", table))
        done.add(compare_rows(table, "view", now, self._warehouse.rows(table, *ALL), by_stream, gone))
        return done

    def is_truncate_reported(self, table: Table) -> bool:
        """Return whether a dead letter of the source says that the table was truncated."""
        return bool(self._dead_letters.at_source[self._captured.topic(table), ""])

    def _read_dead_letters(self) -> None:
        dead_letters = self._dead_letters.read()
        self.dead_letters = len(dead_letters)
        self._refused = {
            "raw": positions(dead_letters, f"lake-{self._domain}"),
            "warehouse": positions(dead_letters, self._domain),
        }

    def _reported(self, stage: str, table: Table) -> set[Position]:
        return self._refused[stage].get(self._captured.topic(table), set())

    def _reported_at_source(self, table: Table) -> Mapping[str, int]:
        """Key as a dead letter of the source names it → how many dead letters; they were read by `wait`."""
        return dead_letters_of(self._captured.topic(table), self._dead_letters.at_source)

    def _is_missing(self, stage: str, name: str) -> bool:
        table, wanted = self._tables[name], {record.position for record in self._records[name]}
        held = (self._lake if stage == "raw" else self._warehouse).positions(table, 0, self._ends[name])
        return not wanted <= held | self._reported(stage, table)
