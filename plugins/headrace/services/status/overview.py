"""Content of the status screen, from what was observed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.marts import marts
from headrace.planning.topics import captured
from headrace.services.dead_letters.ledger import Statistics
from headrace.services.refinement.ledger import Last
from headrace.services.status.checks import Checks
from headrace.services.status.jobs import Dags, Job, Work
from headrace.services.status.lake_rows import LakeRows
from headrace.services.status.marts import Mart, mart_state
from headrace.services.status.reasons import Known, explained, reasons
from headrace.services.status.stages import ExactLane, Stages, captured_stages, other_stages
from headrace.services.status.table import LOGS, Hop, Hops, Reason, with_dead_letters
from headrace.services.status.waiting import WaitingCells, merged
from headrace.systems.platform.alerts import Alert
from headrace.systems.warehouse.hook import Freshness


@dataclass(frozen=True, slots=True)
class Observed:
    """State of all systems. A part that did not answer is None, and `failures` has the cause."""

    known: Known
    hops: tuple[Hops, ...] = ()
    """Captured datasets, without reasons."""
    topics: Mapping[str, Hop] = field(default_factory=dict)
    """Dataset of events → records in its topic."""
    served: Mapping[str, Hop] = field(default_factory=dict)
    """Other dataset or mart → rows in its serving store."""
    fresh: Mapping[str, Freshness | None] = field(default_factory=dict)
    """Dataset of events → freshness."""
    dead_letters: Mapping[tuple[str, str], Statistics] = field(default_factory=dict)
    """Hop and dataset → its dead letters."""
    lake: LakeRows = field(default_factory=LakeRows)
    last: Mapping[str, Last] | None = None
    checks: Checks | None = None
    dags: Dags | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    """Part → why it was not observed."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Content of the status screen without the processes. None: the system did not answer."""

    datasets: tuple[Stages, ...] = ()
    marts: tuple[Mart, ...] = ()
    checks: Checks | None = None
    alerts: tuple[Alert, ...] | None = None
    jobs: tuple[Job, ...] | None = None
    waiting: tuple[WaitingCells, ...] = ()


def overview(seen: Observed, contracts: Sequence[Contract], sql: Mapping[str, str]) -> Overview:
    """Return the content for these applied contracts. `sql` has the text of each mart's SQL file, by mart."""
    known = replace(seen.known, paused=seen.dags.paused if seen.dags else ())
    lane = ExactLane(seen.lake, seen.last, Work(seen.dags or Dags(), known.alerts))
    rows = {row.dataset: row for row in explained(captured(contracts), seen.hops, known)}
    datasets = tuple(
        captured_stages(c, rows[c.id], lane) if c.id in rows else _other(c, replace(seen, known=known), lane)
        for c in contracts
        if c.source.kind != "mart"
    )
    built = tuple(
        mart_state(mart, sql.get(mart.id, ""), contracts, seen.served.get(mart.id, Hop()), lane)
        for mart in marts(contracts)
    )
    return Overview(
        datasets=datasets,
        marts=built,
        checks=seen.checks,
        alerts=None if known.platform_error else tuple(known.alerts.values()),
        jobs=seen.dags.jobs if seen.dags else None,
        waiting=merged([*_failures(seen), *_all_reasons(datasets, built)]),
    )


def _other(contract: Contract, seen: Observed, lane: ExactLane) -> Stages:
    hops: dict[str, Hop] = {}
    if contract.streamed:
        hops["kafka"] = seen.topics[contract.id]
    if "raw" in contract.zones:
        hops["raw"] = seen.lake.hop(names.raw_table(contract))
    if contract.serving != "none":
        hops["warehouse"] = seen.served[contract.id]
    if contract.streamed:
        hops = {hop: with_dead_letters(cell, seen.dead_letters.get((hop, contract.id))) for hop, cell in hops.items()}
        fresh = seen.fresh.get(contract.id)
        found = reasons(contract, _as_captured(contract, hops), seen.known)
        return other_stages(contract, hops, (fresh.p50, fresh.p95) if fresh else (None, None), found, lane)
    broken = [Reason("raw", hops["raw"].error, None, hops["raw"].remedy)] if hops.get("raw", Hop()).error else []
    return other_stages(contract, hops, (None, None), broken, lane)


def _as_captured(contract: Contract, hops: Mapping[str, Hop]) -> Hops:
    """Return the row of the hop table of a dataset that is not captured: its topic is its source.

    Records are compared, not rows: several records may be one row.
    """
    topic = hops["kafka"]
    kafka, raw, warehouse = (_by_records(hops.get(hop, topic)) for hop in ("kafka", "raw", "warehouse"))
    return Hops(contract.id, Hop(rows=topic.rows), kafka, raw, warehouse)


def _by_records(hop: Hop) -> Hop:
    records = hop.rows if hop.changes is None else hop.changes
    return replace(hop, rows=records, changes=records)


def _failures(seen: Observed) -> Iterator[tuple[str, Reason]]:
    found = dict(seen.failures)
    if seen.known.platform_error:
        found["alerts"] = seen.known.platform_error
    if seen.known.connect_error:
        found["connectors"] = seen.known.connect_error
    yield from ((part, Reason("", why, None, LOGS)) for part, why in found.items())


def _all_reasons(datasets: Sequence[Stages], built: Sequence[Mart]) -> Iterator[tuple[str, Reason]]:
    for stages in datasets:
        yield from ((stages.dataset, reason) for reason in stages.reasons)
    for mart in built:
        yield from ((mart.mart, reason) for reason in mart.reasons)
