"""History of check outcomes: table `quality.results` of the warehouse.

Outcomes of refinements are in the platform's ledger first and are copied from there: by the refinement itself or, if
the warehouse did not answer, by the next run that copies outcomes. Copying is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from headrace.services.quality.outcomes import Outcome, Zone
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.warehouse.hook import WarehouseHook

TABLE: Final = "quality.results"
COLUMNS: Final = (
    "at", "dataset", "zone", "rule", "field", "expectation", "severity", "passed", "unexpected", "observed", "examples",
    "dag_id", "run_id",
)  # fmt: skip
AT_ONCE: Final = 200
"""Number of refinements copied by one insert."""
DUE: Final = """
    SELECT id, at, dataset, dag_id, dag_run, outcomes FROM refinements WHERE kept_at IS NULL ORDER BY id LIMIT %s"""
KEPT: Final = "UPDATE refinements SET kept_at = now() WHERE id = ANY (%s)"
LATEST: Final = """
    SELECT zone, rule, severity, expectation, passed, unexpected, observed, examples, at
      FROM quality.results FINAL WHERE dataset = {dataset:String} ORDER BY at DESC LIMIT 1 BY zone, rule"""
LAST_RUNS: Final = """
    SELECT dataset, zone, rule, severity, expectation, passed, unexpected, observed, examples, at
      FROM quality.results
     WHERE has({datasets:Array(String)}, dataset)
       AND (dataset, zone, at) IN (SELECT dataset, zone, max(at) FROM quality.results GROUP BY dataset, zone)
     ORDER BY dataset, zone, rule LIMIT 1 BY dataset, zone, rule"""
HISTORY: Final = """
    SELECT zone, rule, arraySlice(arrayMap(each -> each.2, arrayReverseSort(groupArray((at, passed)))), 1, {runs:UInt32})
      FROM quality.results FINAL WHERE dataset = {dataset:String} GROUP BY zone, rule"""


class Run(NamedTuple):
    """Run of the checks, and its time."""

    dag_id: str
    run_id: str
    at: datetime


class Latest(NamedTuple):
    """Newest outcome of one check."""

    zone: Zone
    rule: str
    severity: str
    expectation: str
    passed: bool
    unexpected: int | None
    observed: str
    examples: list[str]
    at: datetime


class Results:
    """Reads and writes the table of results."""

    def __init__(self, warehouse: WarehouseHook) -> None:
        self._warehouse = warehouse

    def keep(self, dataset: str, zone: Zone, outcomes: Iterable[Outcome], run: Run) -> None:
        """Write the outcomes of one run. Raises SystemUnavailable, SystemRefused."""
        self._warehouse.insert_rows(TABLE, COLUMNS, list(_rows(dataset, zone, outcomes, run)))

    def bring_over(self, platform: PlatformHook) -> int:
        """Copy outcomes of refinements not copied yet; return of how many. Raises SystemUnavailable, SystemRefused."""
        brought = 0
        while due := self._due(platform):
            rows = [row for _, dataset, run, outcomes in due for row in _rows(dataset, "cleaned", outcomes, run)]
            self._warehouse.insert_rows(TABLE, COLUMNS, rows)
            with platform.transaction() as connection:
                connection.execute(KEPT, [[number for number, *_ in due]])
            brought += len(due)
        return brought

    def latest(self, dataset: str) -> list[Latest]:
        """Return the newest outcome of every check of a dataset."""
        return [_latest(*row) for row in self._warehouse.rows(LATEST, {"dataset": dataset})]

    def last_runs(self, datasets: Iterable[str]) -> list[tuple[str, Latest]]:
        """Return (dataset, outcome) of every check of the newest run in each zone; empty while no check has run.

        Checks that a contract no longer has are left out, unlike by `latest`.
        """
        if not self._warehouse.existing([TABLE]):
            return []
        found = self._warehouse.rows(LAST_RUNS, {"datasets": list(datasets)})
        return [(dataset, _latest(*values)) for dataset, *values in found]

    def history(self, dataset: str, runs: int) -> Mapping[tuple[str, str], list[bool]]:
        """Return, by (zone, check), whether it passed in at most that many runs, newest first."""
        found = self._warehouse.rows(HISTORY, {"dataset": dataset, "runs": runs})
        return {(zone, rule): list(passed) for zone, rule, passed in found}

    @staticmethod
    def _due(platform: PlatformHook) -> list[tuple[int, str, Run, list[Outcome]]]:
        with platform.transaction() as connection:
            found = connection.execute(DUE, [AT_ONCE]).fetchall()
        return [
            (number, dataset, Run(dag_id, run_id, at), [Outcome(**each) for each in outcomes])
            for number, at, dataset, dag_id, run_id, outcomes in found
        ]


def _latest(*values: Any) -> Latest:
    """Return a row as an outcome. The driver returns times in UTC, without a time zone."""
    *rest, at = values
    return Latest._make([*rest, at.replace(tzinfo=UTC)])


def _rows(dataset: str, zone: Zone, outcomes: Iterable[Outcome], run: Run) -> Iterator[tuple[Any, ...]]:
    for o in outcomes:
        yield (
            run.at, dataset, zone, o.check, o.field or "", o.expectation, o.severity, o.passed, o.unexpected, o.observed,
            list(o.examples), run.dag_id, run.run_id,
        )  # fmt: skip
