"""Percentiles, and what repetitions have in common. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

PERCENTILES = (50, 95, 99)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` per cent of the ascending values do not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("no percentile of nothing")
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the greatest of the values, to three decimals."""
    ordered = sorted(values)
    found = {f"p{percent}": percentile(ordered, percent) for percent in PERCENTILES}
    return {name: round(value, 3) for name, value in (found | {"max": ordered[-1]}).items()}


def summary(repetitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The shape of a repetition with median, min and max in place of each number.

    What only some repetitions have is summed up over those.
    """
    keys = dict.fromkeys(key for repetition in repetitions for key in repetition)
    return {key: _sum_up([r[key] for r in repetitions if key in r]) for key in keys}


def lookup(values: Mapping[str, Any], path: str) -> Any:
    """The value at `a.b.c`; None where there is none."""
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def ratio(above: float, below: float) -> float:
    """A quotient to three significant digits; 0 when there is nothing to divide by."""
    return float(f"{above / below:.3g}") if below else 0.0


def per_second(rows: float, seconds: float) -> float:
    """A rate to the whole row."""
    return float(round(rows / seconds)) if seconds > 0 else 0.0


def _sum_up(values: list[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return summary(values)
    return {"median": median(values), "min": min(values), "max": max(values)}
