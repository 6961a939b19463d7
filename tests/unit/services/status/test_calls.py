"""Several systems are asked at once; one that does not answer is not asked for ever."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.services.status.calls import PATIENCE_S, Round, begin

GONE = SystemUnavailable("warehouse", "http://ch:8123", "no answer")


class Calls:
    """Calls that take a while by a clock of their own, and fail."""

    def __init__(self) -> None:
        self.now, self.made = 0.0, 0
        self.round = Round(lambda: self.now)

    def fail(self, seconds: float) -> None:
        def call() -> None:
            self.now += seconds
            self.made += 1
            raise GONE

        with pytest.raises(SystemUnavailable):
            self.round.run(call)


def test_a_call_that_is_refused_at_once_is_made_for_every_dataset() -> None:
    calls = Calls()
    for _ in range(50):
        calls.fail(0.01)
    assert calls.made == 50


def test_a_system_that_does_not_answer_is_given_up() -> None:
    calls = Calls()
    for _ in range(50):
        calls.fail(PATIENCE_S / 1.5)
    assert calls.made == 2


def test_one_slow_table_hides_no_other() -> None:
    calls = Calls()
    for _ in range(5):
        calls.fail(PATIENCE_S / 1.5)
        assert calls.round.run(lambda: "an answer") == "an answer"
    assert calls.made == 5


def test_a_refusal_is_an_answer() -> None:
    def refuse() -> None:
        raise SystemRefused("warehouse", "http://ch:8123", "no such table")

    calls = Calls()
    calls.fail(PATIENCE_S - 1)
    with pytest.raises(SystemRefused):
        calls.round.run(refuse)
    calls.fail(1)
    calls.fail(1)
    assert calls.made == 3


def test_calls_run_beside_each_other_and_their_errors_are_raised_where_they_are_awaited() -> None:
    both = threading.Barrier(2, timeout=30)
    first, second = begin(both.wait), begin(both.wait)
    assert {first.result(), second.result()} == {0, 1}
    with pytest.raises(SystemUnavailable):
        begin(lambda: Round().run(lambda: (_ for _ in ()).throw(GONE))).result()


def test_a_call_without_an_end_does_not_keep_the_process() -> None:
    program = "import threading; from headrace.services.status.calls import begin; begin(threading.Event().wait)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
