"""Waiting cells of all sections, each with its reason and remedy; equal reasons are merged. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from headrace.services.status.table import Reason

TRIES: Final = re.compile(r" \(tried [^)]*\)")
"""Times of the tries in a failure's message; they differ from cell to cell."""


class WaitingCells(NamedTuple):
    """Cells that wait for the same reason."""

    subjects: tuple[str, ...]
    """Datasets, marts, or the section that is not available."""
    place: str
    """Hop or zone; empty for a whole section."""
    why: str
    since: datetime | None = None
    next_step: str = ""


def merged(found: Iterable[tuple[str, Reason]]) -> tuple[WaitingCells, ...]:
    """Return the reasons of (subject, reason), in their order, with the subjects that share each one."""
    lines: dict[tuple[str, str, datetime | None, str], list[str]] = {}
    for subject, reason in found:
        why = TRIES.sub("", reason.why)
        subjects = lines.setdefault((reason.hop, why, reason.since, reason.next_step), [])
        if subject not in subjects:
            subjects.append(subject)
    return tuple(WaitingCells(tuple(subjects), *line) for line, subjects in lines.items())
