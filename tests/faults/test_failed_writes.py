"""A broker that cannot write, as on a full disk: its files may not grow any more (RLIMIT_FSIZE).

The limit needs no file system of its own. The error is EFBIG instead of ENOSPC. ClickHouse does not bear such a limit (it takes
a short write for a whole one), and a full disk it notices before it writes.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.conftest import Stack
from tests.support.trading_window import TradingWindow
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(600)]

LARGEST = 4096
"""Bytes of a file."""


@contextmanager
def cannot_write(pid: int) -> Iterator[None]:
    """The process's files may not grow inside the block."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (LARGEST, before[1]))
    try:
        yield
    finally:
        if psutil.pid_exists(pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def test_a_broker_that_cannot_write_ends_and_loses_nothing(
    stack: Stack, window: TradingWindow, comes_back: Callable[..., float]
) -> None:
    window.trade()
    pid = stack.pid("kafka")
    with cannot_write(pid):
        wait_until(lambda: not psutil.pid_exists(pid), 120, "the broker goes on, though it cannot write")
    comes_back("kafka", pid, 120)
    window.flows()
