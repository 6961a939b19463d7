"""Let one dataset fail in its turn: it is told, and the others have theirs."""

from __future__ import annotations

import pytest

from headrace.errors import HeldBack, SystemFailure, SystemRefused, SystemUnavailable
from headrace.systems.turns import Turns

REFUSED = SystemRefused("lake", "there", "no such table")
UNAVAILABLE = SystemUnavailable("lake", "there", "no answer")


def had_their_turn(log: list[str], **failures: SystemFailure | None) -> list[str]:
    """The names whose turn went well; raises what `Turns.end` does."""
    turns, well = Turns(log.append), list[str]()
    for name, failure in failures.items():
        with turns.of(name):
            if failure:
                raise failure
            well.append(name)
    turns.end()
    return well


def test_all_is_well() -> None:
    log: list[str] = []
    assert had_their_turn(log, a=None, b=None) == ["a", "b"]
    assert log == []


@pytest.mark.parametrize(("failure", "retry"), [(REFUSED, False), (UNAVAILABLE, True)])
def test_one_fails_and_the_others_have_their_turn(failure: SystemFailure, retry: bool) -> None:
    log: list[str] = []
    with pytest.raises(HeldBack) as held:
        had_their_turn(log, a=None, b=failure, c=REFUSED, d=None)
    assert held.value.reasons == (f"b: {failure}", f"c: {REFUSED}")
    assert held.value.retry is retry
    assert log == list(held.value.reasons)


def test_what_is_no_systems_failure_is_not_held_back() -> None:
    turns = Turns(lambda line: None)
    with pytest.raises(KeyError), turns.of("a"):
        raise KeyError("a mistake of ours")
