"""Hop table: one row per dataset, one column per hop. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.errors import SystemFailure

if TYPE_CHECKING:
    from headrace.services.dead_letters.ledger import Statistics

LOGS: Final = "see the log of the system's process: ./headrace logs"


@dataclass(frozen=True, slots=True)
class Hop:
    """Rows and changes of one dataset at one hop.

    Attributes:
        rows: rows that the source has after the changes of this hop; None when the hop was not available.
        changes: change records at the hop; None at the source, which has none, or when the hop was not available.
        error: why the hop was not available.
        remedy: what to do about the error.
        waiting: records that were refused before this hop and wait to be replayed (dead letters).
        discarded: refused records that were discarded.
    """

    rows: int | None = None
    changes: int | None = None
    error: str = ""
    waiting: int = 0
    discarded: int = 0
    remedy: str = ""

    @property
    def accounted(self) -> int | None:
        """Return the number of change records that are at the hop or were discarded."""
        return None if self.changes is None else self.changes + self.discarded


def with_dead_letters(hop: Hop, statistics: Statistics | None) -> Hop:
    """Return the hop with the numbers of its dead letters."""
    return hop if statistics is None else replace(hop, waiting=statistics.waiting, discarded=statistics.discarded)


def absent(table: str, system: str) -> Hop:
    """Return the hop of a table that was not created yet."""
    return Hop(error=f"{table} is not in the {system} yet", remedy="trigger apply_contracts")


def unavailable(failure: SystemFailure) -> Hop:
    """Return the hop of a system that did not answer, or refused."""
    return Hop(error=str(failure), remedy=LOGS)


class Reason(NamedTuple):
    """Reason why a hop is empty or behind."""

    hop: str
    why: str
    since: datetime | None = None
    """None if unknown."""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Hops:
    """One dataset through all hops; freshness in seconds from commit to readable in the warehouse."""

    dataset: str
    source: Hop
    kafka: Hop
    raw: Hop
    warehouse: Hop
    fresh_p50_s: float | None = None
    fresh_p95_s: float | None = None
    reasons: tuple[Reason, ...] = ()
    """Reasons why hops are empty or behind; see `reasons.reasons`."""

    def hops(self) -> dict[str, Hop]:
        """Return the hops by name, in the order of the data flow."""
        return {"source": self.source, "kafka": self.kafka, "raw": self.raw, "warehouse": self.warehouse}

    @property
    def waiting(self) -> int:
        """Return the number of waiting dead letters, over all hops."""
        return sum(hop.waiting for hop in self.hops().values())

    @property
    def agree(self) -> bool:
        """Return whether all hops were measured and have the same rows and, except for discarded ones, changes."""
        hops = self.hops().values()
        changes = {hop.accounted for hop in (self.kafka, self.raw, self.warehouse)}
        return not any(h.rows is None for h in hops) and len({h.rows for h in hops}) == 1 and len(changes) == 1


def to_json(table: Iterable[Hops]) -> dict[str, Any]:
    """Return, by dataset and hop, rows and changes, and the freshness."""
    return {row.dataset: _row(row) for row in table}


def _row(row: Hops) -> dict[str, Any]:
    hops: dict[str, Any] = {}
    for name, hop in row.hops().items():
        hops[name] = {"rows": hop.rows}
        if hop.changes is not None:
            hops[name]["changes"] = hop.changes
        hops[name] |= {what: count for what in ("waiting", "discarded") if (count := getattr(hop, what))}
        if hop.error:
            hops[name]["error"] = hop.error
    if row.reasons:
        hops["reasons"] = [_reason(reason) for reason in row.reasons]
    return hops | {"freshness_s": {"p50": row.fresh_p50_s, "p95": row.fresh_p95_s}}


def _reason(reason: Reason) -> dict[str, Any]:
    since = reason.since.isoformat(timespec="seconds") if reason.since else None
    return {"hop": reason.hop, "why": reason.why, "since": since, "next": reason.next_step}
