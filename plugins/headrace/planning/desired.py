"""Compute the desired state of every system from the contracts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headrace.contracts.contract import Contract
from headrace.planning.lake import platform_tables, raw_tables
from headrace.planning.refined import refined_tables
from headrace.planning.resources import Resource, in_order
from headrace.planning.serving import serving_tables
from headrace.planning.settings import PlanSettings
from headrace.planning.sinks import sinks
from headrace.planning.sources import sources
from headrace.planning.subjects import subjects
from headrace.planning.topics import topics
from headrace.planning.warehouse import warehouse

__all__ = ["PlanSettings", "desired"]


def desired(contracts: Iterable[Contract], settings: PlanSettings) -> tuple[Resource, ...]:
    """Return all resources that the contracts require, in a safe order.

    Raises PlanRefused when a contract uses a source connection that the settings do not have.
    """
    all_ = sorted(contracts, key=lambda contract: contract.id)
    found = [resource for contract in all_ for resource in _of_dataset(contract, settings)]
    found += topics(all_, settings)
    found += sources(all_, settings)
    found += sinks(all_, settings)
    return in_order(found)


def _of_dataset(contract: Contract, settings: PlanSettings) -> Iterator[Resource]:
    if contract.source.kind == "platform":
        yield from platform_tables(contract)
        return
    yield from raw_tables(contract)
    yield from refined_tables(contract)
    yield from warehouse(contract)
    yield from serving_tables(contract)
    yield from subjects(contract)
