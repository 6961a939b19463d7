"""What comes of checks, wherever they are asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from headrace.contracts.contract import Severity

Zone: TypeAlias = Literal["cleaned", "served"]
"""Where a check is asked: of the lake's cleaned zone, or of the served view."""
OBSERVED_LETTERS: Final = 500


class Outcome(NamedTuple):
    """What came of one check. JSON-able by `_asdict`."""

    check: str
    severity: Severity
    field: str | None
    passed: bool
    unexpected: int | None
    """Rows that break it; None where that is no question of rows."""
    observed: str
    """The first failing values, or what was found instead."""
    expectation: str = ""
    """What was asked: an expectation's name, `reference`, `freshness`, or the rule's query."""
    examples: Sequence[str] = ()
    """The first failing rows, each a JSON object."""


def forbids(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """In words, what has failed with severity error."""
    return tuple(
        f"{o.check}: {f'{o.unexpected:,} rows break it, ' if o.unexpected else ''}{o.observed}"
        for o in outcomes
        if not o.passed and o.severity == "error"
    )


def examples(rows: Iterable[Mapping[str, Any]], hidden: Mapping[str, str]) -> tuple[str, ...]:
    """Rows as JSON, with the classification in place of every value of a classified field (`hidden`)."""
    shown = ({name: f"({hidden[name]})" if name in hidden else value for name, value in row.items()} for row in rows)
    return tuple(json.dumps(row, default=str, ensure_ascii=False) for row in shown)


def such_as(rows: Sequence[str]) -> str:
    """The examples in one line of bounded length."""
    return f"such as {', '.join(rows)}"[:OBSERVED_LETTERS] if rows else ""
