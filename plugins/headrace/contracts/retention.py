"""Check snapshot retention: what contracts promise and need, against the maintenance of lake tables.

Maintenance drops old snapshots of a lake table, never rows. So it can break the needs of other contracts on a table's
snapshots, and the contract's own retention promise for the whole dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from headrace.contracts.contract import Contract, Maintenance, Need
from headrace.contracts.documents import Document, Steps
from headrace.contracts.odcs_model import suggest
from headrace.contracts.sla import Report
from headrace.errors import ContractError

DAYS_OF_MONTH: Final = 31
DAYS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("d", "day", "days"), 1),
    **dict.fromkeys(("w", "week", "weeks"), 7),
    **dict.fromkeys(("month", "months"), DAYS_OF_MONTH),
    **dict.fromkeys(("y", "yr", "year", "years"), 366),
}
"""Unit of a retention promise → days, the maximum that the unit can mean."""


def retention_days(data: Mapping[str, Any], dataset: str, report: Report) -> int | None:
    """Return the promised retention of the whole dataset in days, or None when none is promised.

    A promise for a single field is about rows. Rows are never dropped, so it needs no check.
    """
    promised = None
    for index, item in enumerate(data.get("slaProperties") or ()):
        if item.get("property") != "retention":
            continue
        value, unit, steps = item.get("value"), item.get("unit"), ("slaProperties", index)
        if type(value) is not int or value <= 0 or unit not in DAYS:
            what = f"retention is {value!r} {unit!r}; write a positive whole number and a unit (d, week, month, y)"
            report(steps, "sla", what)
        elif item.get("element") in (None, "", dataset):
            promised = max(promised or 0, value * DAYS[unit])
    return promised


def needs(value: Iterable[Mapping[str, Any]], document: Document, place: Steps) -> tuple[Need, ...]:
    """Return the needs of a valid value. `place` is its place in the document."""
    return tuple(
        Need(item["dataset"], item["zone"], item["days"], document.line((*place, index)))
        for index, item in enumerate(value)
    )


def unkept_promise(maintenance: Maintenance, zones: Iterable[str], promised: int | None) -> str | None:
    """Return what is wrong with a promised retention, or None when the dataset's own maintenance keeps it."""
    months = -(-(promised or 0) // DAYS_OF_MONTH)
    kept = promised is None or "history" in zones or maintenance.keep_days >= promised
    if kept or maintenance.monthly_tags >= months:
        return None
    return (
        f"retention of {promised} days is promised, but maintenance keeps snapshots for {maintenance.keep_days};"
        f" add the zone history, write maintenance: {{monthlyTags: {months}}}, or set the promise's element to the"
        " field by which rows age"
    )


def unmet_needs(contracts: Iterable[Contract]) -> Iterator[ContractError]:
    """Yield the needs on a lake table that its zones or its maintenance do not meet."""
    known = {contract.id: contract for contract in contracts}
    for contract in known.values():
        for need in contract.needs:
            if problem := _unmet(need, known):
                yield ContractError(contract.terms_path, need.line, "needs", f"{contract.id} needs {problem}")


def _unmet(need: Need, known: Mapping[str, Contract]) -> str | None:
    """Return the rest of a sentence that starts with the dataset that has the need, or None."""
    other = known.get(need.dataset)
    if other is None:
        return f"{need.dataset}, which no contract declares; {suggest(need.dataset, known)}"
    where = f"{need.zone} of {other.id}"
    if need.zone not in other.zones:
        return f"{where}, which is stored only in {', '.join(other.zones)}; add the zone in {other.terms_path}"
    if need.days > other.maintenance.keep_days:
        return (
            f"snapshots of {where} for {need.days} days, but its maintenance drops snapshots older than"
            f" {other.maintenance.keep_days}; write maintenance: {{keepDays: {need.days}}} in {other.terms_path},"
            " or need fewer days"
        )
    return None
