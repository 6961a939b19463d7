from __future__ import annotations

import threading
import time

import pytest

from include.shop.pacing import Pacer, Stop


class FakeTime(Stop):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.now += seconds
        return self.requested


def test_work_is_due_at_its_time_however_long_the_work_before_it_took() -> None:
    fake = FakeTime()
    pacer = Pacer(fake, clock=fake.clock)
    for step in range(5):
        assert pacer.wait_until(step * 0.1)
        fake.now += 0.03
    assert fake.slept == [pytest.approx(0.07)] * 4


def test_a_small_delay_is_made_good_and_a_long_one_forgiven() -> None:
    fake = FakeTime()
    pacer = Pacer(fake, clock=fake.clock, debt_s=1.0)
    pacer.wait_until(0)
    fake.now += 10
    assert pacer.wait_until(0.1)
    assert pacer.forgiven_s == pytest.approx(8.9)
    assert pacer.wait_until(1.0)
    assert fake.slept == []
    assert pacer.wait_until(1.5)
    assert fake.slept == [pytest.approx(0.4)]


def test_stopping_wakes_a_sleeper_at_once() -> None:
    stop = Stop()
    threading.Timer(0.05, stop.request).start()
    begun = time.monotonic()
    assert not Pacer(stop).wait_until(0) or not Pacer(stop).wait_until(60)
    assert stop.wait(60)
    assert time.monotonic() - begun < 5


def test_a_deadline_stops_too() -> None:
    stop = Stop()
    stop.after(0.05)
    assert not stop.requested
    begun = time.monotonic()
    assert stop.wait(60)
    assert stop.requested
    assert time.monotonic() - begun < 5
