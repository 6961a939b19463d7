"""When a stream needs care."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.services.streams.watch import judge
from headrace.systems.spark.host import Driver
from headrace.systems.spark.store import Pulse

ALIVE = Driver("retail", True, 4711, "RUNNING")
TIMES = {"running_s": 300.0, "grace_s": 90.0, "stall_s": 45.0}


def pulse(**changes: Any) -> Pulse:
    values: dict[str, Any] = {
        "query": "cdc", "plan_version": "new", "state": "running", "rows": 1, "rows_total": 1, "lag": 0, "dead_letters": 0,
        "drift": "", "last_error": "", "age_s": 1.0, "started_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Pulse(**(values | changes))


def reason(driver: Driver, *pulses: Pulse, **times: float) -> str | None:
    verdict = judge(driver, pulses, "new", **(TIMES | times))
    return verdict and verdict.reason


def test_a_driver_with_a_fresh_pulse_is_well() -> None:
    assert reason(ALIVE, pulse()) is None


def test_a_dead_driver_is_reported_with_its_last_error() -> None:
    verdict = judge(Driver("retail", False, 0, "EXITED"), [pulse(last_error="boom")], "new", **TIMES)
    assert verdict is not None
    assert (verdict.reason, "boom" in verdict.text) == ("dead", True)


@pytest.mark.parametrize(
    ("pulses", "times", "expected"),
    [
        ((pulse(age_s=46.0),), {}, "stalled"),
        ((pulse(), pulse(query="metrics", age_s=60.0)), {}, "stalled"),
        ((pulse(plan_version="old"),), {}, "new-plan"),
        ((pulse(), pulse(query="metrics", state="down", last_error="x")), {}, "query-down"),
        ((), {"running_s": 30.0}, None),
        ((), {"running_s": 91.0}, "stalled"),
        # pulses of an earlier driver say nothing of this one
        ((pulse(age_s=200.0, plan_version="old"),), {"running_s": 20.0}, None),
        ((pulse(age_s=200.0, state="down"),), {"running_s": 20.0}, None),
        ((pulse(age_s=200.0),), {"running_s": 95.0}, "stalled"),
    ],
)
def test_verdicts_of_heartbeats(pulses: tuple[Pulse, ...], times: dict[str, float], expected: str | None) -> None:
    assert reason(ALIVE, *pulses, **times) == expected
