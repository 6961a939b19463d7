from __future__ import annotations

import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.retry import Backoff, Transient, persist


def _persist(call, waits: list[float], tries: int = 4):  # type: ignore[no-untyped-def]
    return persist(
        call, system="registry", address="http://x", next_step="Nothing is lost.",
        backoff=Backoff(tries=tries, first_s=1.0, longest_s=3.0), sleep=waits.append,
    )  # fmt: skip


def test_what_passes_by_itself_is_tried_again_with_growing_waits() -> None:
    answers = iter([Transient("refused"), Transient("refused"), "yes"])
    waits: list[float] = []

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, Transient):
            raise answer
        return answer

    assert _persist(call, waits) == "yes"
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


def test_a_lasting_failure_names_system_address_time_and_next_step() -> None:
    waits: list[float] = []

    def call() -> None:
        raise Transient("connection refused")

    with pytest.raises(SystemUnavailable) as caught:
        _persist(call, waits)
    assert len(waits) == 3
    assert max(waits) <= 3.0
    text = str(caught.value)
    assert text.startswith("registry at http://x: connection refused (tried 4 times since 20")
    assert text.endswith(" UTC). Nothing is lost.")


def test_a_refusal_is_not_retried() -> None:
    waits: list[float] = []

    def call() -> None:
        raise SystemRefused("registry", "http://x", "no")

    with pytest.raises(SystemRefused):
        _persist(call, waits)
    assert waits == []
