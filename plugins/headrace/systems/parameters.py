"""Parameters of DAGs, as a form or a template gives them."""

from __future__ import annotations

from collections.abc import Sequence


def listed(datasets: Sequence[str] | str | None) -> list[str]:
    """Ids from a list, or from text or nothing, as a form gives them."""
    parts = datasets.split(",") if isinstance(datasets, str) else datasets or ()
    return [part.strip() for part in parts if part.strip()]


def chosen(asked: Sequence[str] | str | None, there: Sequence[str], otherwise: str) -> list[str]:
    """The datasets that are asked for, or all there are. Raises ValueError, with `otherwise`, for one that is not there."""
    named = listed(asked)
    if unknown := [dataset for dataset in named if dataset not in there]:
        raise ValueError(f"{', '.join(unknown)}: {otherwise}: {', '.join(there)}")
    return named or list(there)


def is_yes(value: bool | str) -> bool:
    """A flag that may have come through a template as text."""
    return value if isinstance(value, bool) else value.strip().lower() in ("true", "1", "yes")
