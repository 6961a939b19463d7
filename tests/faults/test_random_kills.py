"""Processes die at random moments, also while others still recover, for as long as `./headrace test --long` takes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.conftest import Stack
from tests.faults.test_kills import BACK_WITHIN_S
from tests.support.trading_window import TradingWindow

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(1800)]

KILLS = 12


@pytest.mark.parametrize("seed", range(5))
def test_processes_that_die_at_random_lose_and_double_nothing(
    seed: int, stack: Stack, window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float],
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    """What is committed is compared when the window settles."""
    chance, killed = random.Random(seed), list[str]()
    for _ in range(KILLS):
        window.trade(chance.randint(1, 40))
        process = chance.choice(list(BACK_WITHIN_S))
        if any(state.name == process and state.state == "RUNNING" for state in stack.supervisor.states()):
            kill(process)
            killed.append(process)
    for process in sorted(set(killed)):
        comes_back(process, 0, 2 * BACK_WITHIN_S[process])
    window.flows()
    record_property("killed", " ".join(killed))
