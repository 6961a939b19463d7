"""Compute the impact of a change: the tables, streams and views that depend on its datasets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.plan import Change, Impact


@dataclass(frozen=True, slots=True)
class Dependent:
    """Table, stream or view that code (a metric, a mart) creates from datasets."""

    kind: Literal["table", "stream", "view"]
    name: str
    datasets: frozenset[str]
    """Ids of the datasets that it reads."""


def impact_of_change(change: Change, contracts: Iterable[Contract], dependents: Iterable[Dependent] = ()) -> Impact:
    """Return the impact of a change."""
    return impact_of(change.resource.datasets, contracts, dependents)


def impact_of(datasets: Iterable[str], contracts: Iterable[Contract], dependents: Iterable[Dependent] = ()) -> Impact:
    """Return the tables, streams and views that contracts and code create from the datasets."""
    ids = frozenset(datasets)
    hit = [contract for contract in contracts if contract.id in ids]
    reading = [d for d in dependents if d.datasets & ids]
    tables = {table for contract in hit for table in _tables(contract)}
    streams = {names.stream_dag(contract.stream_group) for contract in hit if contract.streamed}
    views = {names.view(contract) for contract in hit if contract.serving == "clickhouse" and not contract.loaded}
    return Impact(
        tables=_sorted(tables, reading, "table"),
        streams=_sorted(streams, reading, "stream"),
        views=_sorted(views, reading, "view"),
    )


def sentence(impact: Impact) -> str:
    """Return `It affects tables a and b, stream s and view v`; empty when there is no impact."""
    groups = [
        f"{noun if len(members) == 1 else noun + 's'} {_listed(members)}"
        for noun, members in (
            ("table", impact.tables),
            ("stream", impact.streams),
            ("view", impact.views),
        )
        if members
    ]
    return f"It affects {_listed(groups)}" if groups else ""


def _tables(contract: Contract) -> Iterable[str]:
    yield from (names.lake_table(contract, zone) for zone in contract.zones)
    if contract.loaded:
        yield names.view(contract)
    elif contract.serving != "none":
        yield from names.stream_tables(contract)


def _sorted(own: set[str], dependents: Iterable[Dependent], kind: str) -> tuple[str, ...]:
    return tuple(sorted(own | {d.name for d in dependents if d.kind == kind}))


def _listed(parts: Iterable[str]) -> str:
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last
