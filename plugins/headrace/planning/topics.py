"""Build the desired Kafka topics: data, dead letters, connector signals, heartbeats and sink control."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from headrace.contracts import names
from headrace.contracts.contract import Contract
from headrace.planning.resources import Resource
from headrace.planning.settings import PlanSettings

LARGEST_RECORD: Final = 32 << 20
"""Maximum size in bytes of a captured change, its row before and after together."""
LARGEST_MESSAGE: Final = LARGEST_RECORD + (2 << 20)
"""Maximum size in bytes of a message: the largest change plus the overhead of Kafka and of dead-letter headers."""
_LARGE: Final[Mapping[str, str]] = {"max.message.bytes": str(LARGEST_MESSAGE)}
_DAY_MS: Final = 86_400_000


def signal_topic(connection: str) -> str:
    """Return the topic with the commands to a Debezium connector, e.g. to take a snapshot."""
    return f"signal.{connection}"


def heartbeat_topic(connection: str) -> str:
    """Return the topic of a Debezium connector's heartbeats. Debezium defines the name."""
    return f"__debezium-heartbeat.{connection}"


def topics(contracts: Sequence[Contract], settings: PlanSettings) -> Iterator[Resource]:
    """Yield every topic once."""
    streamed = [contract for contract in contracts if contract.streamed]
    for contract in streamed:
        yield _topic(names.topic(contract), [contract], _data(contract, settings), contract.partitions)
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
    """Return the dead-letter topic of a domain's sink connector."""
    return names.dead_letter_topic(names.sink_connector(domain))


def source_dead_letter_topic(connection: str) -> str:
    """Return the dead-letter topic of a connection's source connector."""
    return names.dead_letter_topic(names.source_connector(connection))


def captured(contracts: Iterable[Contract]) -> list[Contract]:
    """Return the contracts that Debezium reads."""
    return [contract for contract in contracts if contract.captured]


def landed(contracts: Iterable[Contract]) -> list[Contract]:
    """Return the contracts that a sink connector writes to the raw zone."""
    return [contract for contract in contracts if contract.streamed and "raw" in contract.zones]


def grouped(contracts: Iterable[Contract], by: Callable[[Contract], str]) -> dict[str, list[Contract]]:
    """Group contracts by a shared name; names and members are sorted."""
    groups: dict[str, list[Contract]] = {}
    for contract in sorted(contracts, key=lambda c: (by(c), c.id)):
        groups.setdefault(by(contract), []).append(contract)
    return groups


def datasets(contracts: Iterable[Contract]) -> tuple[str, ...]:
    """Return the sorted ids of the datasets."""
    return tuple(sorted(contract.id for contract in contracts))


def _topic(name: str, members: Iterable[Contract], config: Mapping[str, str], partitions: int = 1) -> Resource:
    spec = {"partitions": partitions, "config": dict(config)}
    return Resource("topic", name, spec, datasets(members))


def _data(contract: Contract, settings: PlanSettings) -> Mapping[str, str]:
    """Return the config of a data topic. The first record of an event is the one that Kafka took first, by its clock."""
    return {
        **_kept(settings.topic_retention_ms),
        **_LARGE,
        "compression.type": settings.topic_compression,
        "message.timestamp.type": "CreateTime" if contract.captured else "LogAppendTime",
    }


def _dead_letters(settings: PlanSettings) -> Mapping[str, str]:
    return {**_kept(settings.dead_letter_retention_ms), **_LARGE}


def _kept(retention_ms: int) -> Mapping[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}
