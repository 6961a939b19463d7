"""Plan of a stream group's driver: its datasets, its topics, and the version that detects an outdated driver."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from headrace.contracts import names
from headrace.contracts.contract import Contract


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream group and its datasets, in order of their ids."""

    group: str
    contracts: tuple[Contract, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the Kafka topics that the driver reads."""
        return tuple(names.topic(contract) for contract in self.contracts)

    @property
    def version(self) -> str:
        """Return a digest that changes when the driver must be restarted: other topics, keys or targets.

        A new field does not change it. A running driver adopts the field with the first record that has it.
        """
        shape = [[c.id, names.topic(c), c.serving, *c.identity] for c in self.contracts]
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:12]


def stream_plans(contracts: Iterable[Contract]) -> dict[str, StreamPlan]:
    """Return group → plan, for the datasets with a streaming source."""
    groups: dict[str, list[Contract]] = {}
    for contract in sorted(contracts, key=lambda c: c.id):
        if contract.streamed:
            groups.setdefault(contract.stream_group, []).append(contract)
    return {group: StreamPlan(group, tuple(members)) for group, members in sorted(groups.items())}
