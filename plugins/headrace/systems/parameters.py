"""Parsers for DAG parameters that come from a form or a template."""

from __future__ import annotations

from collections.abc import Sequence


def listed(datasets: Sequence[str] | str | None) -> list[str]:
    """Return the ids of a list, of comma-separated text, or of None."""
    parts = datasets.split(",") if isinstance(datasets, str) else datasets or ()
    return [part.strip() for part in parts if part.strip()]


def chosen(requested: Sequence[str] | str | None, available: Sequence[str], otherwise: str) -> list[str]:
    """Return the datasets asked for, or all there are. Raises ValueError, with `otherwise`, for an unknown dataset."""
    named = listed(requested)
    if unknown := [dataset for dataset in named if dataset not in available]:
        raise ValueError(f"{', '.join(unknown)}: {otherwise}: {', '.join(available)}")
    return named or list(available)


def is_yes(value: bool | str) -> bool:
    """Return whether a flag is set; a template passes it as text."""
    return value if isinstance(value, bool) else value.strip().lower() in ("true", "1", "yes")
