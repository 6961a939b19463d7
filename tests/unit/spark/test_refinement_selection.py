"""Which keys a run of the refinement is about."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.services.refinement.operators import interval, positions, selected

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def run(start: datetime | None, end: datetime | None, **params: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(data_interval_start=start, data_interval_end=end), "params": params}


@pytest.mark.parametrize("watermark", [{}, {"0": 7}])
def test_an_interval_is_taken_as_it_is(watermark: dict[str, int]) -> None:
    wanted = {"intervals": [["2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00"]]}
    assert selected(run(START, END), watermark) == wanted


@pytest.mark.parametrize(("start", "end"), [(None, None), (START, START)])
def test_without_an_interval_it_is_what_came_since(start: Any, end: Any) -> None:
    assert selected(run(start, end), {"0": 7}) == {"past": {"0": 7}}
    assert selected(run(start, end), {}) == {}


def test_everything_wins() -> None:
    assert selected(run(START, END, everything=True, days=["2017-03-06"]), {"0": 7}) == {}


def test_days_stand_for_the_interval() -> None:
    wanted = [
        ["2017-03-06T00:00:00+00:00", "2017-03-07T00:00:00+00:00"],
        ["2017-12-31T00:00:00+00:00", "2018-01-02T00:00:00+00:00"],
    ]
    assert selected(run(START, END, days=["2017-03-06", "2017-12-31/2018-01-01"]), {}) == {"intervals": wanted}


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ("March", "must be 2017-03-06.*; got 'March'"),
        ("2017-03-06/", None),
        ("2017-03-06/2017-03-05", "before the first"),
    ],
)
def test_unreadable_days_are_an_error(days: str, problem: str | None) -> None:
    if problem is None:
        assert interval(days) == interval(days.rstrip("/"))
        return
    with pytest.raises(ValueError, match=problem):
        interval(days)


def test_replayed_dead_letters_are_listed_by_partition_in_order() -> None:
    assert positions([(1, 9), (0, 7), (0, 3)]) == {"0": [3, 7], "1": [9]}
