"""Fidelity: odd values through every stage, compared with the source one by one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Final

from benchmarks.context import Context
from benchmarks.figure import Figure
from benchmarks.stats import per_second
from tests.fidelity.report import report
from tests.fidelity.tables import Table, drawn_tables, every_type
from tests.fidelity.trial import Outcome, run_trial

REPETITIONS = 1
ROWS: Final = 12_000
"""About a million and a half comparisons of a value."""
OF_A_TABLE: Final = 2_000
TABLES: Final = 8
"""Tables of one trial: a trial is compared and forgotten before the next, so memory does not grow with the rows.

Rows are cheap and places are not: a trial is as large as it may be before the next begins.
"""
METHOD = (
    "Trial after trial, each in a source database, a domain and a stream of its own, which are removed afterwards. The tables of "
    "the first have every PostgreSQL type that a contract carries: never null, nullable, with a default, in arrays and in the "
    "key. Hypothesis draws the tables of the others, eight a trial, and the values of all; a table gets at most two thousand "
    "rows. A third of the rows is there before the capture begins; the others come while it streams, between updates, deletes, "
    "changed keys and a new column. Then every change is compared with its record in Kafka, in raw and in the warehouse's change "
    "history, and every row with cleaned and with the view. A value is compared once a stage. A difference is silent unless a "
    "dead letter names the record, or the key of a change that the source's connector refused."
)
FIGURES = (
    Figure("values compared", "values", "values", "≥ 1,000,000"),
    Figure("silent differences", "silent", "values or rows", "0"),
    Figure("changes in the source", "changes", "changes"),
    Figure("reported: rows at a stage that a dead letter names", "told", "rows"),
    Figure("tables", "tables", "tables"),
    Figure("tables refused by the plan", "refused", "tables"),
    Figure("values compared, everything included", "values_per_s", "values/s"),
)


def run(context: Context) -> dict[str, Any]:
    """Trials until the rows are written; what they found, added up."""
    wanted = context.rows or context.amount(ROWS, 400)
    began, found, done = time.monotonic(), Outcome(), 0
    counted = {"tables": 0, "refused": 0}
    for number, chosen in enumerate(_chosen()):
        each = min(OF_A_TABLE, -(-(wanted - done) // len(chosen)))
        outcome = _trial(context, number, chosen, each)
        found.add(outcome)
        done += each * len(chosen)
        counted["tables"] += len(chosen)
        counted["refused"] += len(outcome.refused)
        context.report(
            f"{done:,} of {wanted:,} rows: {found.comparison.values:,} values, {found.comparison.silent} silent differences"
        )
        if done >= wanted:
            break
    compared = found.comparison
    return {
        "rows": done,
        "changes": found.changes,
        "values": compared.values,
        "silent": compared.silent,
        "told": compared.reported,
        "letters": found.dead_letters,
        **counted,
        "values_per_s": per_second(compared.values, time.monotonic() - began),
    }


def _chosen() -> Iterator[Sequence[Table]]:
    yield every_type()
    for number in count(1):
        yield drawn_tables(TABLES, number)


def _trial(context: Context, number: int, chosen: Sequence[Table], each: int) -> Outcome:
    home = context.settings.home / "fidelity" / str(number)
    shutil.rmtree(home, ignore_errors=True)
    outcome = run_trial(context.settings, home, chosen, each, number, context.report)
    if outcome.comparison.silent:
        context.report(report(outcome.comparison, outcome.tables))
    return outcome
