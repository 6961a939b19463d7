"""Waiting for what comes true on a live stack."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

WITHIN_S: Final = 90.0
POLL_S: Final = 0.2


def wait_until(true: Callable[[], T], seconds: float = WITHIN_S, otherwise: str = "it did not come true") -> T:
    """The first answer that is true. Raises AssertionError with `otherwise` when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {otherwise}"
        time.sleep(POLL_S)
    return answer


def wait_for(read: Callable[[], Any], wanted: Any, seconds: float) -> Any:
    """Read until it gives what is wanted. Raises AssertionError with what it gave last when it does not in time."""
    deadline = time.monotonic() + seconds
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"after {seconds:.0f} s: {found!r}, wanted {wanted!r}"
        time.sleep(POLL_S)
    return found
