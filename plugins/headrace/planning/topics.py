"""The Kafka topics that contracts ask for: data, dead letters, and what connectors talk over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.resources import Resource
from headrace.planning.settings import PlanSettings

LARGEST_RECORD: Final = 32 << 20
"""Bytes of the largest change that is captured, its row before and after together."""
LARGEST_MESSAGE: Final = LARGEST_RECORD + (2 << 20)
"""Bytes of the largest message: such a change, with what Kafka and a dead letter's headers add."""
_LARGE: Final[Mapping[str, str]] = {"max.message.bytes": str(LARGEST_MESSAGE)}
_DAY_MS: Final = 86_400_000


def signal_topic(connection: str) -> str:
    """Where a Debezium connector is told what to do, e.g. to take a snapshot."""
    return f"signal.{connection}"


def heartbeat_topic(connection: str) -> str:
    """Where a Debezium connector says that it is alive; Debezium makes the name."""
    return f"__debezium-heartbeat.{connection}"


def topics(contracts: Sequence[Contract], settings: PlanSettings) -> Iterator[Resource]:
    """Every topic, each once."""
    streamed = [contract for contract in contracts if contract.streamed]
    for contract in streamed:
        yield _topic(names.topic(contract), [contract], _data(settings), contract.partitions)
    for group, members in grouped(streamed, lambda c: c.stream_group).items():
        yield _topic(names.dead_letter_topic(group), members, _dead_letters(settings))
    for domain, members in grouped(landed(contracts), lambda c: c.domain).items():
        yield _topic(sink_dead_letter_topic(domain), members, _dead_letters(settings))
    if landed(contracts):
        yield _topic(names.SINK_CONTROL_TOPIC, landed(contracts), _kept(7 * _DAY_MS))
    for connection, members in grouped(captured(contracts), lambda c: c.source.connection).items():
        yield _topic(signal_topic(connection), members, _kept(_DAY_MS))
        yield _topic(heartbeat_topic(connection), members, _kept(_DAY_MS))
        yield _topic(source_dead_letter_topic(connection), members, _dead_letters(settings))


def sink_dead_letter_topic(domain: str) -> str:
    """Where the sink of a domain puts the records that it cannot read."""
    return names.dead_letter_topic(names.sink_connector(domain))


def source_dead_letter_topic(connection: str) -> str:
    """Where the source connector of a connection reports the changes that it cannot carry."""
    return names.dead_letter_topic(names.source_connector(connection))


def captured(contracts: Iterable[Contract]) -> list[Contract]:
    """Those that Debezium reads."""
    return [contract for contract in contracts if contract.source.kind == "cdc"]


def landed(contracts: Iterable[Contract]) -> list[Contract]:
    """Those that a sink lands in the raw zone."""
    return [contract for contract in contracts if contract.streamed and "raw" in contract.zones]


def grouped(contracts: Iterable[Contract], by: Callable[[Contract], str]) -> dict[str, list[Contract]]:
    """Contracts by a name that several share; names and members sorted."""
    groups: dict[str, list[Contract]] = {}
    for contract in sorted(contracts, key=lambda c: (by(c), c.id)):
        groups.setdefault(by(contract), []).append(contract)
    return groups


def datasets(contracts: Iterable[Contract]) -> tuple[str, ...]:
    """The ids of the datasets, sorted."""
    return tuple(sorted(contract.id for contract in contracts))


def _topic(name: str, members: Iterable[Contract], config: Mapping[str, str], partitions: int = 1) -> Resource:
    spec = {"partitions": partitions, "config": dict(config)}
    return Resource("topic", name, spec, datasets(members))


def _data(settings: PlanSettings) -> Mapping[str, str]:
    return {
        **_kept(settings.topic_retention_ms),
        **_LARGE,
        "compression.type": settings.topic_compression,
        "message.timestamp.type": "CreateTime",
    }


def _dead_letters(settings: PlanSettings) -> Mapping[str, str]:
    return {**_kept(settings.dead_letter_retention_ms), **_LARGE}


def _kept(retention_ms: int) -> Mapping[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}
