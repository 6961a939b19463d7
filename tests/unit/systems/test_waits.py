"""Waits: the default, the environment variable instead of it, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headrace.systems.waits import retry_delay, seconds


@pytest.mark.parametrize(("given", "wanted"), [("", 60.0), ("5", 5.0), ("0.5", 0.5)])
def test_a_variable_wins_over_the_default(monkeypatch: pytest.MonkeyPatch, given: str, wanted: float) -> None:
    monkeypatch.setenv("HEADRACE_RAW_POLL_S", given)
    assert seconds("HEADRACE_RAW_POLL_S", 60.0) == wanted


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("HEADRACE_RAW_POLL_S", given)
    with pytest.raises(ValueError, match=f"HEADRACE_RAW_POLL_S must be a number of seconds above 0; got '{given}'"):
        seconds("HEADRACE_RAW_POLL_S", 60.0)


@pytest.mark.parametrize(("limit", "wanted"), [("", 30), ("3", 3), ("300", 30)])
def test_a_retry_waits_as_its_dag_says_but_no_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, limit: str, wanted: int
) -> None:
    monkeypatch.setenv("HEADRACE_RETRY_DELAY_S", limit)
    assert retry_delay(30) == timedelta(seconds=wanted)
