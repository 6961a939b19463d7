"""State of each mart: rows in the lake, rows served, last build, and why it waits. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.marts import reads
from headrace.services.refinement.ledger import Last
from headrace.services.status.stages import REFINE, ExactLane, unserved
from headrace.services.status.table import Hop, Reason

MartState: TypeAlias = Literal["built", "not built", "waiting", "running", "failed", "unknown"]
BUILD: Final = "mart_<name>"


@dataclass(frozen=True, slots=True)
class Mart:
    """Rows and state of one mart."""

    mart: str
    lake: Hop
    served: Hop
    state: MartState
    built_at: datetime | None = None
    """Time of the newest published build."""
    waits_for: tuple[str, ...] = ()
    """Datasets that the mart reads and that have no rows."""
    reasons: tuple[Reason, ...] = ()


def mart_state(mart: Contract, sql: str, contracts: Collection[Contract], served: Hop, lane: ExactLane) -> Mart:
    """Return the state of a mart.

    Args:
        mart: its contract.
        sql: text of its SQL file.
        contracts: the contracts of all datasets.
        served: rows in its serving store.
        lane: observed state of the exact lane.
    """
    dag, lake = names.mart_dag(mart), lane.lake.hop(names.lake_table(mart, "cleaned"))
    last = (lane.last or {}).get(mart.id)
    found = list[Reason]()
    try:
        waits_for = tuple(c.id for c in reads(sql, contracts) if lane.lake.empty(names.lake_table(c, "cleaned")))
    except ValueError as error:
        waits_for = ()
        found.append(Reason("lake", f"its SQL is not valid: {error}", None, f"fix include/sql/marts/{mart.name}.sql"))
    state = _state(dag, last, waits_for, lane)
    found += _reasons(mart, state, lake, waits_for, lane)
    if lake.rows is not None:
        found += unserved("served", dag, BUILD, lake, served, lane.work)
    return Mart(mart.id, lake, served, state, last.published_at if last else None, waits_for, tuple(found))


def _state(dag: str, last: Last | None, waits_for: Collection[str], lane: ExactLane) -> MartState:
    job = lane.work.active(dag)
    if job and not (waits_for and job.state == "deferred"):
        return "running"
    if lane.work.failure(dag) or (last and not last.published):
        return "failed"
    if waits_for:
        return "waiting"
    if last is None:
        return "unknown" if lane.last is None else "not built"
    return "built"


def _reasons(
    mart: Contract, state: MartState, lake: Hop, waits_for: Collection[str], lane: ExactLane
) -> Iterator[Reason]:
    if lake.error:
        yield Reason("lake", lake.error, None, lake.remedy)
    if waits_for:
        step = f"unpause or trigger {REFINE} of these inputs, and load their data if raw is empty"
        yield Reason("lake", "inputs have no rows; the mart's state names them", None, step)
    if state == "failed":
        fallback = Reason("", "the last build was not published", None, f"see the log of {names.mart_dag(mart)}")
        yield (lane.work.failure(names.mart_dag(mart)) or fallback)._replace(hop="lake")
    elif state == "not built":
        yield lane.work.undone("lake", "the mart is not built", names.mart_dag(mart), BUILD)
