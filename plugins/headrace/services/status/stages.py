"""One dataset through all its stages: hops, lake zones, last refinement, freshness. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract, Zone
from headrace.services.refinement.ledger import Last
from headrace.services.status.jobs import Work
from headrace.services.status.lake_rows import LakeRows
from headrace.services.status.table import Hop, Hops, Reason

AFTER_RAW: Final[tuple[Zone, ...]] = ("cleaned", "history", "quarantine")
REFINE: Final = "refine_<domain>_<dataset>"


class ExactLane(NamedTuple):
    """Observed state of the exact lane."""

    lake: LakeRows
    last: Mapping[str, Last] | None
    """Dataset or mart → its newest refinement or build; None if the ledger did not answer."""
    work: Work


@dataclass(frozen=True, slots=True)
class Stages:
    """Rows of one dataset at each stage that it has."""

    dataset: str
    hops: Mapping[str, Hop]
    """Hop → its rows, in the order of the data flow."""
    zones: Mapping[str, Hop] = field(default_factory=dict)
    """Zone after raw → its rows."""
    refined_at: datetime | None = None
    """Time of the newest published refinement."""
    unrefined: int | None = None
    """Changes in raw that are not refined; None if unknown, or if the dataset is not refined."""
    fresh_p50_s: float | None = None
    fresh_p95_s: float | None = None
    reasons: tuple[Reason, ...] = ()
    """Reasons of the hops and zones that are empty or behind."""
    captured: Hops | None = None
    """Row of the hop table; None for a dataset that is not captured from a source database."""


def captured_stages(contract: Contract, row: Hops, lane: ExactLane) -> Stages:
    """Return the stages of a captured dataset."""
    zones, unrefined = _zones(contract, lane), _unrefined(contract, row.raw.changes, lane)
    found = [*row.reasons, *_zone_reasons(contract, zones, unrefined, lane)]
    cleaned = zones.get("cleaned", Hop()).rows
    if row.agree and not found and cleaned is not None and cleaned != row.raw.rows:
        step = f"trigger {names.refine_dag(contract)} with everything"
        found.append(Reason("cleaned", "all changes are refined, but the rows are not those of raw", None, step))
    return Stages(
        contract.id, row.hops(), zones, _published_at(contract, lane), unrefined, row.fresh_p50_s, row.fresh_p95_s,
        tuple(found), row,
    )  # fmt: skip


def other_stages(
    contract: Contract,
    hops: Mapping[str, Hop],
    fresh: tuple[float | None, float | None],
    reasons: Iterable[Reason],
    lane: ExactLane,
) -> Stages:
    """Return the stages of a dataset without a source table: of files, of events, of the platform itself."""
    zones, unrefined = _zones(contract, lane), _unrefined(contract, hops.get("raw", Hop()).rows, lane)
    found = [*reasons, *_zone_reasons(contract, zones, unrefined, lane)]
    if contract.loaded:
        place = ("warehouse", names.refine_dag(contract), REFINE)
        found += unserved(*place, zones.get("cleaned", Hop()), hops["warehouse"], lane.work)
    return Stages(contract.id, hops, zones, _published_at(contract, lane), unrefined, *fresh, tuple(found))


def unserved(place: str, dag: str, pattern: str, lake: Hop, served: Hop, work: Work) -> Iterator[Reason]:
    """Yield why a table that is loaded from the lake does not hold the lake's rows; nothing if it does."""
    if served.error:
        yield Reason(place, served.error, None, served.remedy)
    elif lake.rows is not None and served.rows != lake.rows:
        yield work.undone(place, "the rows of the lake are not served", dag, pattern)


def _zones(contract: Contract, lane: ExactLane) -> dict[str, Hop]:
    return {zone: lane.lake.hop(names.lake_table(contract, zone)) for zone in AFTER_RAW if zone in contract.zones}


def _published_at(contract: Contract, lane: ExactLane) -> datetime | None:
    last = (lane.last or {}).get(contract.id)
    return last.published_at if last else None


def _unrefined(contract: Contract, landed: int | None, lane: ExactLane) -> int | None:
    if landed is None or lane.last is None or not contract.refined:
        return None
    last = lane.last.get(contract.id)
    refined = last.records if last and last.records else 0
    return max(landed - refined, 0)


def _zone_reasons(
    contract: Contract, zones: Mapping[str, Hop], unrefined: int | None, lane: ExactLane
) -> Iterator[Reason]:
    yield from (Reason(zone, hop.error, None, hop.remedy) for zone, hop in zones.items() if hop.error)
    last = (lane.last or {}).get(contract.id)
    if unrefined:
        yield lane.work.undone("cleaned", "changes in raw are not refined", names.refine_dag(contract), REFINE)
    elif last and not last.published:
        yield Reason("cleaned", "a check of severity error failed: the last refinement was not published", last.at,
                     "fix the rows or the rule, see docs/reference/quality.md")  # fmt: skip
    refused = zones.get("quarantine", Hop()).rows
    if refused and contract.source.kind != "platform":
        text = f"{refused:,} change{'s' if refused != 1 else ''} broke a rule"
        yield Reason(
            "quarantine",
            text,
            None,
            "read _reason in the table, then fix the source; see docs/explanation/refinement.md",
        )
