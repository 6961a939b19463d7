"""A figure worth a line in the table: where it stands in a repetition, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    label: str
    path: str
    """Where it is in a repetition: keys joined by dots."""
    unit: str
    goal: str = ""
