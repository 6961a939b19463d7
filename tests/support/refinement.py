"""What refinement should make of changes, worked out the slow way: by asking what was so at every instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Change:
    """One raw change of one key; `fields` are those that are no part of the key."""

    key: int
    offset: int
    at: int
    """Seconds; the commit's time."""
    op: str
    fields: Mapping[str, Any]


class Version(NamedTuple):
    """A row as it was from an instant until another."""

    key: int
    fields: tuple[tuple[str, Any], ...]
    start: int
    end: int | None


def history(changes: Iterable[Change]) -> set[Version]:
    """Every version: for each key, what holds at each instant in which anything happens, runs of the same joined."""
    by_key: dict[int, list[Change]] = {}
    for change in sorted({c.offset: c for c in changes}.values(), key=lambda c: c.offset):
        by_key.setdefault(change.key, []).append(change)
    return {version for key, mine in by_key.items() for version in _of_key(key, mine)}


def current(versions: Iterable[Version]) -> dict[int, tuple[tuple[str, Any], ...]]:
    """The rows that are so now, by key."""
    return {version.key: version.fields for version in versions if version.end is None}


def _of_key(key: int, changes: list[Change]) -> list[Version]:
    # No clock runs backwards: a change counts from the latest instant up to it.
    counts_from = [max(c.at for c in changes[: place + 1]) for place in range(len(changes))]
    instants = sorted(set(counts_from))
    states = [_state(changes, counts_from, instant) for instant in instants]
    found: list[Version] = []
    for place, (instant, state) in enumerate(zip(instants, states, strict=True)):
        if place and states[place - 1] == state:
            continue
        later = [i for i, s in zip(instants[place:], states[place:], strict=True) if s != state]
        if state is not None:
            found.append(Version(key, state, instant, later[0] if later else None))
    return found


def _state(changes: list[Change], counts_from: list[int], instant: int) -> tuple[tuple[str, Any], ...] | None:
    """The row after everything that counts up to the instant; None where there is none."""
    last = [c for c, start in zip(changes, counts_from, strict=True) if start <= instant][-1]
    return None if last.op == "d" else tuple(sorted(last.fields.items()))
