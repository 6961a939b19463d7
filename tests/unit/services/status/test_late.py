"""Late is what waits longer than promised; where nothing was traded nothing is late."""

from __future__ import annotations

import pytest

from headrace.services.status.late import SourceMemory, Steady, Waiting, judge


def test_nothing_traded_is_not_late() -> None:
    assert judge("d", 5.0, Waiting()) is None


@pytest.mark.parametrize(
    ("waiting", "severity"),
    [
        (Waiting(served_s=4.9), None),
        (Waiting(served_s=5.1), "warning"),
        (Waiting(kafka_s=5.1), "warning"),
        (Waiting(source_s=50.0), None),  # a source that reads may take so long to say so
        (Waiting(source_s=61.0), "warning"),
        (Waiting(kafka_s=601.0), "error"),
        (Waiting(0.1, 0.2, 0.3), None),
    ],
)
def test_a_promise_of_five_seconds(waiting: Waiting, severity: str | None) -> None:
    found = judge("shop.items", 5.0, waiting)
    assert (found.severity if found else None) == severity


def test_the_sentence_names_the_hop() -> None:
    found = judge("shop.items", 3600.0, Waiting(None, 7_300.0, 4_000.0))
    assert found
    assert found.text == (
        "shop.items is late: changes wait in Kafka and are not served: 2.0 h; changes took from commit to being served"
        " (p95 of recent changes): 67 min; promised: 60 min"
    )


def test_a_single_late_poll_is_no_alert_and_a_single_poll_on_time_no_recovery() -> None:
    steady = Steady()
    polls = [True, False, True, True, False, False, True, False, False, False, True]
    states = [steady.update(late) for late in polls]
    assert states == [False, False, False, True, True, True, True, True, True, False, False]


def test_what_was_written_waits_until_the_reader_is_past_it() -> None:
    memory = SourceMemory()
    assert memory.observe(0.0, 100, 90, {"a": 5, "b": 7}) == {}  # what was before nobody knows
    assert memory.observe(10.0, 200, 100, {"a": 6, "b": 7}) == {"a": 0.0}
    assert memory.observe(20.0, 300, 199, {"a": 9, "b": 7}) == {"a": 10.0}
    assert memory.observe(30.0, 300, 200, {"a": 9, "b": 7}) == {"a": 10.0}  # the newer write still waits, since 20
    assert memory.observe(40.0, 999, 300, {"a": 9, "b": 7}) == {}
    assert memory.observe(50.0, 999, 300, {"a": 9, "b": 7}) == {}  # others write to the log; these tables do not
