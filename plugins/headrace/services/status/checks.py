"""Outcomes of the checks at their last run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from headrace.services.quality.results import Latest

SEVERITIES: Final = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Checks:
    """Numbers of checks by severity, and the failed checks."""

    passed: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[tuple[str, Latest], ...] = ()
    """(Dataset, outcome) of each failed check, the most severe first."""
    at: datetime | None = None
    """Time of the newest run; None while no check has run."""


def summary(outcomes: Iterable[tuple[str, Latest]]) -> Checks:
    """Return the numbers and the failures of (dataset, outcome)."""
    outcomes = tuple(outcomes)
    passed = Counter(latest.severity for _, latest in outcomes if latest.passed)
    failures = [(dataset, latest) for dataset, latest in outcomes if not latest.passed]
    failures.sort(key=lambda each: (SEVERITIES.index(each[1].severity), each[0], each[1].rule))
    failed = Counter(latest.severity for _, latest in failures)
    return Checks(passed, failed, tuple(failures), max((latest.at for _, latest in outcomes), default=None))
