"""Examples of a Hypothesis strategy outside a test: the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")
AT_ONCE = 500
"""Examples of one run: Hypothesis remembers every one that it has drawn."""


def examples(strategy: st.SearchStrategy[T], count: int, number: int) -> Iterator[T]:
    """So many examples; fewer where the strategy has no more."""
    for start in range(0, count, AT_ONCE):
        yield from _some(strategy, min(count - start, AT_ONCE), number + start)


def _some(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], derandomize=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found
