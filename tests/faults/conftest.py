"""What every fault needs: a shop that trades meanwhile, a way to kill, and the comparison at the end.

A fault costs its own recovery only: all faults of a file happen in one trading window, and are followed by one comparison.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from include.stack.supervision import health
from tests.conftest import Stack
from tests.support.trading_window import TradingWindow
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def window(stack: Stack) -> Iterator[TradingWindow]:
    """A shop that trades through all faults of a file; at its end every hop must hold what was committed, once."""
    opened = TradingWindow(stack, seed=1)
    yield opened
    opened.settle()


@pytest.fixture
def kill(stack: Stack) -> Callable[[str], int]:
    """`kill(process)`: kill -9 by its pid; the pid it had."""

    def kill(name: str) -> int:
        pid = stack.pid(name)
        assert pid, f"{name} does not run, so it cannot be killed"
        os.kill(pid, signal.SIGKILL)
        return pid

    return kill


@pytest.fixture
def freeze(stack: Stack) -> Iterator[Callable[[str], int]]:
    """`freeze(process)`: it runs on and answers nobody (SIGSTOP); the pid it has."""
    frozen = list[int]()

    def freeze(name: str) -> int:
        pid = stack.pid(name)
        assert pid, f"{name} does not run, so it cannot be frozen"
        frozen.append(pid)
        os.kill(pid, signal.SIGSTOP)
        return pid

    yield freeze
    for pid in frozen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def comes_back(stack: Stack) -> Callable[[str, int, float], float]:
    """`comes_back(process, old pid, seconds)`: wait until a new process is healthy; the seconds it took."""

    def wait(name: str, old: int, seconds: float) -> float:
        began = time.monotonic()

        def new() -> bool:
            state = next(state for state in stack.supervisor.states() if state.name == name)
            return state.state == "RUNNING" and state.pid not in (0, old)

        wait_until(new, seconds, f"{name} was not started again")
        if name in health.checks(stack.settings):
            health.wait(stack.settings, name, seconds)
        return time.monotonic() - began

    return wait


@pytest.fixture
def platform_rows(stack: Stack) -> Callable[..., list[tuple[object, ...]]]:
    """`platform_rows(query, *parameters)`: rows of the platform's database."""

    def rows(query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(stack.platform_dsn) as connection:
            return connection.execute(query, parameters).fetchall()

    return rows
