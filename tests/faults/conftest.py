"""What every fault needs: a shop that writes meanwhile, a way to kill, and the oracle."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from include.shop.engines.clickhouse import clickhouse_fingerprints
from include.shop.engines.lake import lake_fingerprints
from include.shop.engines.postgres import postgres_fingerprints
from include.shop.live import LiveSettings, run_live
from include.shop.oracle import Comparison, await_equal
from include.shop.pacing import Stop
from include.shop.shape import read_shapes
from include.shop.tally import Tally
from include.stack import health
from tests.conftest import Stack

ROWS_PER_S = 150
EQUAL_WITHIN_S = 180


class Shop:
    """A live shop in a thread, while a fault happens."""

    def __init__(self, dsn: str, seed: int) -> None:
        self._stop = Stop()
        self.tally: Tally | None = None
        self.committed = 0
        self._thread = threading.Thread(target=self._live, args=(dsn, seed))
        self._thread.start()

    def _live(self, dsn: str, seed: int) -> None:
        def count(batch: object, outcome: object) -> None:
            self.committed += 1

        self.tally = run_live(dsn, LiveSettings(rows_per_s=ROWS_PER_S, seed=seed), stop=self._stop, on_commit=count)

    def wait_for_commits(self, more: int, seconds: float = 60) -> None:
        """Wait until the shop has committed so many transactions more."""
        wanted = self.committed + more
        wait_until(lambda: self.committed >= wanted, seconds, f"the shop committed {self.committed} of {wanted}")

    def close(self) -> Tally:
        self._stop.request()
        self._thread.join(60)
        assert self.tally is not None, "the shop did not end well"
        return self.tally


def wait_until(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {otherwise}"
        time.sleep(0.25)


@pytest.fixture
def trading(stack: Stack) -> Callable[[int], object]:
    """`with trading(seed) as shop:` the shop writes inside the block."""

    @contextmanager
    def trade(seed: int) -> Iterator[Shop]:
        shop = Shop(stack.oltp_dsn, seed)
        try:
            yield shop
        finally:
            tally = shop.close()
        assert tally.rows > 0

    return trade


@pytest.fixture
def kill(stack: Stack) -> Callable[[str], int]:
    """`kill(process)`: kill -9 by its pid; the pid it had."""

    def kill(name: str) -> int:
        pid = next(state.pid for state in stack.supervisor.states() if state.name == name)
        assert pid, f"{name} does not run, so it cannot be killed"
        os.kill(pid, signal.SIGKILL)
        return pid

    return kill


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
def oracle(stack: Stack) -> Callable[[], Comparison]:
    """What PostgreSQL has committed = what ClickHouse serves = what the lake holds; waits for it."""

    def judge() -> Comparison:
        return await_equal(lambda: fingerprints(stack), timeout_s=EQUAL_WITHIN_S)

    return judge


def fingerprints(stack: Stack) -> dict[str, dict[str, object]]:
    """The fingerprints of every dataset, hop by hop; the source first."""
    wanted = tuple(read_shapes(stack.settings.contracts).values())
    systems = stack.systems
    return {
        "source": postgres_fingerprints(stack.oltp_dsn, wanted),
        "warehouse": clickhouse_fingerprints(systems.warehouse.client, wanted),
        "raw": lake_fingerprints(systems.lake.catalog, wanted),
    }


@pytest.fixture
def ask_platform(stack: Stack) -> Callable[..., list[tuple[object, ...]]]:
    """`ask_platform(query, *parameters)`: rows of the platform's database."""

    def ask(query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(stack.platform_dsn) as connection:
            return connection.execute(query, parameters).fetchall()

    return ask
