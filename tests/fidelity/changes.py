"""What the source did, and what a stage holds of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tests.fidelity.exact import Exact

Values: TypeAlias = tuple[Exact, ...]
"""A row's values in the order of its table's columns."""
Key: TypeAlias = tuple[Exact, ...]


class Change(NamedTuple):
    """One change of one key in the source."""

    key: Key
    values: Values | None
    """What it left there; None: nothing."""


class Position(NamedTuple):
    """Where in Kafka a change stands."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """One change as a stage has it."""

    position: Position
    key: Key
    values: Values
    """After the change; of a deletion, before it."""
    deleted: bool
