"""Which silence is too long."""

from __future__ import annotations

from include.stack.supervision.silence import Silence

HANG_S, START_S = 60.0, 180.0


def checked(silence: Silence, *answers: tuple[float, bool]) -> Silence:
    for now, answer in answers:
        silence = silence.after(answers=answer, now=now)
    return silence


def hung(silence: Silence, now: float) -> bool:
    return silence.hung(now, HANG_S, START_S)


def test_silence_counts_from_the_last_answer() -> None:
    known = checked(Silence(1, 0.0), (10.0, True), (20.0, False), (40.0, False), (69.0, False))
    assert (hung(known, 69.0), hung(known, 70.0)) == (False, True)


def test_an_answer_ends_it() -> None:
    known = checked(Silence(1, 0.0), (10.0, True), (30.0, False), (60.0, False), (69.0, False), (70.0, True))
    assert not hung(known, 500.0)


def test_a_process_that_never_answered_may_still_be_starting() -> None:
    known = checked(Silence(1, 0.0), (60.0, False), (120.0, False), (179.0, False))
    assert (hung(known, 179.0), hung(known, 180.0)) == (False, True)


def test_time_without_checks_is_no_silence() -> None:
    known = checked(Silence(1, 0.0), (10.0, True), (900.0, False), (901.0, False))
    assert not hung(known, 901.0)
    assert hung(known.after(answers=False, now=902.0), 902.0)


def test_silence_begins_anew_when_what_it_needs_is_silent() -> None:
    known = checked(Silence(1, 0.0), (10.0, True), (30.0, False), (50.0, False), (65.0, False)).excused(65.0)
    known = checked(known, (70.0, False), (80.0, False), (124.0, False))
    assert (hung(known, 124.0), hung(known, 125.0)) == (False, True)
