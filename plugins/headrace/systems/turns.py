"""Sequential processing of datasets or connectors, in which one failure does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.errors import HeldBack, SystemFailure, SystemUnavailable


class Turns:
    """Collector of failures: logs each failure at once, and raises all of them at the end."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._failures: dict[str, SystemFailure] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Catch and record a SystemFailure of the named one inside the block."""
        try:
            yield
        except SystemFailure as failure:
            self._log(f"{name}: {failure}")
            self._failures[name] = failure

    def end(self) -> None:
        """Raise HeldBack with one sentence per failure. Does nothing without a failure."""
        if self._failures:
            reasons = [f"{name}: {failure}" for name, failure in self._failures.items()]
            raise HeldBack(reasons, retry=any(isinstance(f, SystemUnavailable) for f in self._failures.values()))
