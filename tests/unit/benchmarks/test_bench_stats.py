"""Percentiles, and what repetitions have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.stats import lookup, per_second, percentile, ratio, spread, summary


def test_percentile_is_the_nearest_rank() -> None:
    ordered = list(range(1, 101))
    assert [percentile(ordered, p) for p in (0, 1, 50, 95, 99, 100)] == [1, 1, 50, 95, 99, 100]
    assert percentile([7], 50) == 7


def test_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], percent: float) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


def test_spread_names_its_percentiles() -> None:
    assert spread([3.0, 1.0, 2.00049]) == {"p50": 2.0, "p95": 3.0, "p99": 3.0, "max": 3.0}


def test_summary_keeps_the_shape() -> None:
    repetitions = [{"a": 1, "b": {"c": 10}}, {"a": 3, "b": {"c": 30}}, {"a": 2, "b": {"c": 20, "d": 5}}]
    assert summary(repetitions) == {
        "a": {"median": 2, "min": 1, "max": 3},
        "b": {"c": {"median": 20, "min": 10, "max": 30}, "d": {"median": 5, "min": 5, "max": 5}},
    }


def test_lookup_follows_a_path() -> None:
    assert lookup({"a": {"b": 1}}, "a.b") == 1
    assert lookup({"a": {"b": 1}}, "a.b.c") is None
    assert lookup({"a": 1}, "x") is None


def test_rates_and_ratios_of_nothing_are_nothing() -> None:
    assert (per_second(10, 4), per_second(10, 0)) == (2.0, 0.0)
    assert (ratio(2, 3), ratio(1, 0)) == (0.667, 0.0)
