"""Outcomes of quality checks, in any zone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from headrace.contracts.contract import Severity

Zone: TypeAlias = Literal["cleaned", "served"]
"""Place where a check runs: on the lake's cleaned zone, or on the served view."""
OBSERVED_LENGTH: Final = 500


class Outcome(NamedTuple):
    """Outcome of one check. JSON-able by `_asdict`."""

    check: str
    severity: Severity
    field: str | None
    passed: bool
    unexpected: int | None
    """Number of rows that break it; None if the check is not about rows."""
    observed: str
    """First failing values, or the value that was found instead."""
    expectation: str = ""
    """What was checked: an expectation's name, `reference`, `freshness`, or the rule's query."""
    examples: Sequence[str] = ()
    """First failing rows, each a JSON object."""


def forbids(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return descriptions of the failed checks of severity error."""
    return tuple(
        f"{o.check}: {f'{o.unexpected:,} rows break it, ' if o.unexpected else ''}{o.observed}"
        for o in outcomes
        if not o.passed and o.severity == "error"
    )


def examples(rows: Iterable[Mapping[str, Any]], hidden: Mapping[str, str]) -> tuple[str, ...]:
    """Return rows as JSON, with every value of a classified field (`hidden`) replaced by its classification."""
    shown = ({name: f"({hidden[name]})" if name in hidden else value for name, value in row.items()} for row in rows)
    return tuple(json.dumps(row, default=str, ensure_ascii=False) for row in shown)


def such_as(rows: Sequence[str]) -> str:
    """Return the examples in one line of bounded length."""
    return f"such as {', '.join(rows)}"[:OBSERVED_LENGTH] if rows else ""
