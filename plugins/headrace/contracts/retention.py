"""How long a dataset can be read as it was, and who counts on it.

Maintenance drops old states of a lake table (its snapshots), never rows. So what can be broken is what others *need*
of the states of a table, and what the contract itself promises of the dataset as a whole.
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
"""Unit of a retention promise → days, the longest that it can be."""


def retention_days(data: Mapping[str, Any], dataset: str, report: Report) -> int | None:
    """For how long the dataset as a whole can be read as it was, as promised; None when nothing is.

    A promise about a field, by which rows age, is about rows: none is ever dropped, so there is nothing to hold it to.
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
    """The needs of a value that was found right; `place` is where it stands in the document."""
    return tuple(
        Need(item["dataset"], item["zone"], item["days"], document.line((*place, index)))
        for index, item in enumerate(value)
    )


def unkept_promise(maintenance: Maintenance, zones: Iterable[str], promised: int | None) -> str | None:
    """What is wrong with a promised retention; None when the dataset's own maintenance keeps it."""
    months = -(-(promised or 0) // DAYS_OF_MONTH)
    kept = promised is None or "history" in zones or maintenance.keep_days >= promised
    if kept or maintenance.monthly_tags >= months:
        return None
    return (
        f"the dataset as it was is promised for {promised} days, and maintenance keeps it for {maintenance.keep_days};"
        f" add the zone history, or write maintenance: {{monthlyTags: {months}}}, or name as its element the field by"
        " which rows age"
    )


def unmet_needs(contracts: Iterable[Contract]) -> Iterator[ContractError]:
    """What a contract needs of another's lake table, and the other's zones or maintenance would not keep."""
    known = {contract.id: contract for contract in contracts}
    for contract in known.values():
        for need in contract.needs:
            if problem := _unmet(need, known):
                yield ContractError(contract.terms_path, need.line, "needs", f"{contract.id} needs {problem}")


def _unmet(need: Need, known: Mapping[str, Contract]) -> str | None:
    """The rest of a sentence that begins with who needs it."""
    other = known.get(need.dataset)
    if other is None:
        return f"{need.dataset}, which no contract declares; {suggest(need.dataset, known)}"
    where = f"{need.zone} of {other.id}"
    if need.zone not in other.zones:
        return f"{where}, which is kept in {', '.join(other.zones)} only; add the zone in {other.terms_path}"
    if need.days > other.maintenance.keep_days:
        return (
            f"{where} as it was for {need.days} days, and its maintenance drops what is older than"
            f" {other.maintenance.keep_days}; write maintenance: {{keepDays: {need.days}}} in {other.terms_path},"
            " or need fewer days"
        )
    return None
