"""Build a dead letter from the record and the headers that a stream, a sink or a source writes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from headrace.planning.dead_letters import Refuser

CONNECT: Final = "__connect.errors."
NO_ORIGIN: Final = "no-letter"
OPERATIONS: Final[Mapping[str, str]] = {
    "c": "insert", "r": "row of a snapshot", "u": "update", "d": "delete", "t": "truncate",
}  # fmt: skip
"""Debezium's operations, in words."""
REASON: Final = 2000
"""Maximum number of characters of a reason that are kept."""
CAUSED_BY: Final = re.compile(r"^Caused by: (.+)$", re.MULTILINE)


class Position(NamedTuple):
    """Identity of a dead letter: the refuser, and the position of the refused record in Kafka."""

    refused_by: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused record."""

    position: Position
    dataset: str
    rule: str
    """Name of the rule that it broke."""
    reason: str
    """Description of what is wrong, for a person."""
    key: bytes | None = field(repr=False)
    payload: bytes | None = field(repr=False)
    recorded_at: datetime | None
    """The record's own timestamp."""
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    """Record of a dead-letter topic, as read from Kafka."""

    partition: int
    offset: int
    at: datetime
    """Timestamp: of a stream's dead letter when it was written, of a sink's the refused record's own."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def parse_dead_letter(refuser: Refuser, arrived: Arrived, datasets: Mapping[str, str], now: datetime) -> DeadLetter:
    """Return the dead letter of the record that arrived; `datasets` maps topics to datasets.

    A record that does not have its origin in its headers is kept as `no-letter`, with its position in the dead-letter
    topic. No record is skipped.
    """
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in arrived.headers}
    try:
        found = _of_source(refuser, arrived, headers) if refuser.kind == "source" else _of_record(refuser, headers)
    except (KeyError, ValueError):
        found = _without_origin(refuser, arrived)
    position, rule, reason, recorded_at = found
    of_sink = refuser.kind == "sink"
    return DeadLetter(
        position,
        datasets.get(headers.get("topic", position.topic) if refuser.kind == "source" else position.topic, ""),
        rule,
        reason[:REASON],
        arrived.key,
        arrived.value,
        arrived.at if of_sink else recorded_at,
        now if of_sink else arrived.at,
    )


def timestamp(milliseconds: int) -> datetime:
    """Return a Kafka timestamp as an instant."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_Found = tuple[Position, str, str, datetime | None]


def _of_record(refuser: Refuser, headers: Mapping[str, str]) -> _Found:
    return _of_sink(refuser, headers) if refuser.kind == "sink" else _of_stream(refuser, headers)


def _of_source(refuser: Refuser, arrived: Arrived, headers: Mapping[str, str]) -> _Found:
    """Return the parts of a change that was never a record; its position is that of the dead letter itself."""
    place = Position(refuser.name, refuser.topic, arrived.partition, arrived.offset)
    what = f"{OPERATIONS[headers['op']]} in {headers['table']} at LSN {lsn(int(headers['lsn']))}"
    return place, headers["rule"], f"{what}: {headers['reason']}", timestamp(int(headers["committed_at_ms"]))


def lsn(position: int) -> str:
    """Return a position in the log in PostgreSQL's notation."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _of_stream(refuser: Refuser, headers: Mapping[str, str]) -> _Found:
    place = headers["topic"], int(headers["partition"]), int(headers["offset"])
    recorded = headers.get("recorded_at")
    at = datetime.fromisoformat(recorded) if recorded else None
    # Dead letters of older drivers have no query header: they belong to `cdc`.
    refused_by = f"{refuser.name}/{headers.get('query', 'cdc')}"
    return Position(refused_by, *place), headers.get("rule", "record"), headers["reason"], at


def _of_sink(refuser: Refuser, headers: Mapping[str, str]) -> _Found:
    place = headers[f"{CONNECT}topic"], int(headers[f"{CONNECT}partition"]), int(headers[f"{CONNECT}offset"])
    rule = headers.get(f"{CONNECT}stage", "record").lower().replace("_", "-")
    return Position(refuser.name, *place), rule, _connect_reason(headers), None


def _connect_reason(headers: Mapping[str, Any]) -> str:
    """Return the exception's message, with the root cause if the message does not contain it."""
    message = (
        headers.get(f"{CONNECT}exception.message") or headers.get(f"{CONNECT}exception.class.name") or "no reason given"
    )
    causes = CAUSED_BY.findall(headers.get(f"{CONNECT}exception.stacktrace", ""))
    return f"{message}: {causes[-1]}" if causes and causes[-1] not in message else message


def _without_origin(refuser: Refuser, arrived: Arrived) -> _Found:
    place = Position(refuser.name, refuser.topic, arrived.partition, arrived.offset)
    return place, NO_ORIGIN, f"a record in {refuser.topic} without its origin in its headers", arrived.at
