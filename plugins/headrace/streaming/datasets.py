"""Look up the datasets of a stream group and the ClickHouse tables into which their changes are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.contracts.index import load_index
from headrace.planning.streams import stream_plans

APPLIED_WITHIN_S: Final = 240.0
"""Shorter than the time that Airflow gives a driver until its first heartbeat."""
POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Served:
    """A dataset that a stream serves."""

    id: str
    topic: str
    key: tuple[str, ...]
    captured: bool
    """True if its records are change envelopes."""
    tables: tuple[str, ...]
    """`database.table` of each ClickHouse table that it fills; the columns of the first one are the target."""
    deleted: str | None = None
    """Boolean field that marks a deleted key, in records that are no change envelopes."""


def served_datasets(contracts: Path, group: str) -> tuple[Served, ...]:
    """Return the group's datasets that ClickHouse serves. Raises ContractErrors, and ValueError without any."""
    return served_plan(contracts, group)[0]


def served_plan(contracts: Path, group: str) -> tuple[tuple[Served, ...], str]:
    """Return the group's datasets and its plan version. Airflow detects a driver of an older plan by it."""
    plan = stream_plans(load_index(contracts).values()).get(group)
    found = tuple(served(c) for c in plan.contracts if c.serving == "clickhouse") if plan else ()
    if not plan or not found:
        raise ValueError(f"stream group {group!r}: no contract under {contracts} has a stream that ClickHouse serves")
    return found, plan.version


def wait_for_plan(contracts: Path, group: str, stopping: Event) -> tuple[tuple[Served, ...], str] | None:
    """Return `served_plan` as soon as the group is applied; None once `stopping` is set.

    A driver is launched before the first apply has ended: its JVM takes as long to start.

    Raises ContractErrors, and ValueError after APPLIED_WITHIN_S.
    """
    deadline = monotonic() + APPLIED_WITHIN_S
    while True:
        try:
            return served_plan(contracts, group)
        except (ValueError, OSError):
            if monotonic() > deadline:
                raise
        if stopping.wait(POLL_S):
            return None


def served(contract: Contract) -> Served:
    """Return the dataset of a contract."""
    return Served(
        contract.id,
        names.topic(contract),
        contract.key,
        contract.captured,
        names.stream_tables(contract),
        contract.source.deleted,
    )
