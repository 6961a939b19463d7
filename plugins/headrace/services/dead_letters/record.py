"""A dead letter, from the record and the headers in which a stream, a sink or a source puts it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from headrace.planning.dead_letters import Refuser

CONNECT: Final = "__connect.errors."
NO_LETTER: Final = "no-letter"
OPERATIONS: Final[Mapping[str, str]] = {
    "c": "insert", "r": "row of a snapshot", "u": "update", "d": "delete", "t": "truncate",
}  # fmt: skip
"""Debezium's operations, in words."""
REASON: Final = 2000
"""Most characters of a reason that are kept."""
CAUSED_BY: Final = re.compile(r"^Caused by: (.+)$", re.MULTILINE)


class Position(NamedTuple):
    """What a letter is known by: who refused the record, and where in Kafka it stands."""

    refused_by: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One record that was refused."""

    position: Position
    dataset: str
    rule: str
    """What it broke, in a word."""
    reason: str
    """What is wrong, for a person."""
    key: bytes | None = field(repr=False)
    payload: bytes | None = field(repr=False)
    recorded_at: datetime | None
    """The record's own timestamp."""
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record of a dead-letter topic, as Kafka gives it."""

    partition: int
    offset: int
    at: datetime
    """Its timestamp: of a stream's letter when it was written, of a sink's the refused record's own."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def letter(refuser: Refuser, arrived: Arrived, datasets: Mapping[str, str], now: datetime) -> Letter:
    """The letter that arrived; `datasets` gives the dataset of a topic.

    A record that does not say where it came from is kept all the same, as `no-letter`, at its place in the dead-letter
    topic: nothing is passed over.
    """
    said = {name: (value or b"").decode("utf-8", "replace") for name, value in arrived.headers}
    try:
        found = _of_source(refuser, arrived, said) if refuser.kind == "source" else _of_record(refuser, said)
    except (KeyError, ValueError):
        found = _no_letter(refuser, arrived)
    position, rule, reason, recorded_at = found
    of_sink = refuser.kind == "sink"
    return Letter(
        position,
        datasets.get(said.get("topic", position.topic) if refuser.kind == "source" else position.topic, ""),
        rule,
        reason[:REASON],
        arrived.key,
        arrived.value,
        arrived.at if of_sink else recorded_at,
        now if of_sink else arrived.at,
    )


def timestamp(milliseconds: int) -> datetime:
    """A Kafka timestamp as an instant."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_Found = tuple[Position, str, str, datetime | None]


def _of_record(refuser: Refuser, said: Mapping[str, str]) -> _Found:
    return _of_sink(refuser, said) if refuser.kind == "sink" else _of_stream(refuser, said)


def _of_source(refuser: Refuser, arrived: Arrived, said: Mapping[str, str]) -> _Found:
    """A change that was never a record: it is known by its letter's own place."""
    place = Position(refuser.name, refuser.topic, arrived.partition, arrived.offset)
    what = f"{OPERATIONS[said['op']]} in {said['table']} at LSN {lsn(int(said['lsn']))}"
    return place, said["rule"], f"{what}: {said['reason']}", timestamp(int(said["committed_at_ms"]))


def lsn(position: int) -> str:
    """A position in the log, as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _of_stream(refuser: Refuser, said: Mapping[str, str]) -> _Found:
    place = said["topic"], int(said["partition"]), int(said["offset"])
    recorded = said.get("recorded_at")
    at = datetime.fromisoformat(recorded) if recorded else None
    # Letters of drivers from before queries set aside for themselves name no query: they are of `cdc`.
    refused_by = f"{refuser.name}/{said.get('query', 'cdc')}"
    return Position(refused_by, *place), said.get("rule", "record"), said["reason"], at


def _of_sink(refuser: Refuser, said: Mapping[str, str]) -> _Found:
    place = said[f"{CONNECT}topic"], int(said[f"{CONNECT}partition"]), int(said[f"{CONNECT}offset"])
    rule = said.get(f"{CONNECT}stage", "record").lower().replace("_", "-")
    return Position(refuser.name, *place), rule, _connect_reason(said), None


def _connect_reason(said: Mapping[str, Any]) -> str:
    """The exception's own message, and the root cause where the message hides it."""
    message = said.get(f"{CONNECT}exception.message") or said.get(f"{CONNECT}exception.class.name") or "no reason given"
    causes = CAUSED_BY.findall(said.get(f"{CONNECT}exception.stacktrace", ""))
    return f"{message}: {causes[-1]}" if causes and causes[-1] not in message else message


def _no_letter(refuser: Refuser, arrived: Arrived) -> _Found:
    place = Position(refuser.name, refuser.topic, arrived.partition, arrived.offset)
    return place, NO_LETTER, f"a record in {refuser.topic} that does not say where it came from", arrived.at
