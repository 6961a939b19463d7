"""Dead-letter topics of streams, sinks and source connectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.topics import captured, grouped, landed, sink_dead_letter_topic, source_dead_letter_topic

DATASET: Final = "platform.dead_letters"
"""Dataset that stores the dead letters."""


class Refuser(NamedTuple):
    """Writer of dead letters: a stream group, a sink connector or a source connector."""

    name: str
    """The stream group, or the connector's name."""
    kind: str
    """`stream`, `sink` or `source`."""
    topic: str
    """Its dead-letter topic."""


def refusers(contracts: Iterable[Contract]) -> tuple[Refuser, ...]:
    """Return all writers of dead letters, by name."""
    all_ = tuple(contracts)
    streamed = [contract for contract in all_ if contract.streamed]
    groups = (Refuser(g, "stream", names.dead_letter_topic(g)) for g in grouped(streamed, lambda c: c.stream_group))
    domains = grouped(landed(all_), lambda c: c.domain)
    sinks = (Refuser(names.sink_connector(d), "sink", sink_dead_letter_topic(d)) for d in domains)
    connections = grouped(captured(all_), lambda c: c.source.connection)
    sources = (Refuser(names.source_connector(c), "source", source_dead_letter_topic(c)) for c in connections)
    return tuple(sorted((*groups, *sinks, *sources)))


def datasets_by_topic(contracts: Iterable[Contract]) -> dict[str, str]:
    """Return topic → id of the dataset whose records it contains."""
    return {names.topic(contract): contract.id for contract in contracts if contract.streamed}
