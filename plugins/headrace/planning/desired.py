"""The state that every system should be in, by the contracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from headrace.contracts.contract import Contract
from headrace.errors import PlanRefused
from headrace.planning.lake import raw_tables
from headrace.planning.resources import Resource, in_order
from headrace.planning.settings import PlanSettings
from headrace.planning.sinks import sinks
from headrace.planning.sources import sources
from headrace.planning.subjects import subjects
from headrace.planning.topics import topics
from headrace.planning.warehouse import warehouse

__all__ = ["PlanSettings", "desired"]


def desired(contracts: Iterable[Contract], settings: PlanSettings) -> tuple[Resource, ...]:
    """All resources that the contracts ask for, in safe order.

    Raises PlanRefused, with every reason, when the contracts do not fit together: two of them ask
    for one thing, a source connection is unknown, or a captured table has no key.
    """
    all_ = sorted(contracts, key=lambda contract: contract.id)
    keyless = tuple(_keyless(all_))
    if keyless:
        raise PlanRefused(keyless)
    found = [resource for contract in all_ for resource in _of_dataset(contract, settings)]
    found += topics(all_, settings)
    found += sources(all_, settings)
    found += sinks(all_, settings)
    clashes = tuple(_clashes(found))
    if clashes:
        raise PlanRefused(clashes)
    return in_order(found)


def _of_dataset(contract: Contract, settings: PlanSettings) -> Iterator[Resource]:
    yield from raw_tables(contract)
    yield from warehouse(contract, settings)
    yield from subjects(contract)


def _keyless(contracts: Iterable[Contract]) -> Iterator[str]:
    for contract in contracts:
        if contract.source.kind == "cdc" and not contract.key:
            yield (
                f"{contract.path or contract.id}: the dataset comes by CDC and has no key, so its "
                "rows cannot be told apart. Declare primaryKey on the fields of the table's key."
            )


def _clashes(resources: Iterable[Resource]) -> Iterator[str]:
    resources = tuple(resources)
    counts = Counter(resource.key for resource in resources)
    for key, count in counts.items():
        if count > 1:
            wanting = sorted({d for r in resources if r.key == key for d in r.datasets})
            yield (
                f"{' '.join(key)}: {' and '.join(wanting)} both ask for it. "
                "Rename one of the datasets, or let one of them read another table."
            )
