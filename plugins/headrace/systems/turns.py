"""Datasets, or connectors, one after the other: what fails with one does not keep the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.errors import HeldBack, SystemFailure, SystemUnavailable


class Turns:
    """Logs at once what fails in the turn of one, and raises it when every one had its turn."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._failures: dict[str, SystemFailure] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Give one its turn, inside the block."""
        try:
            yield
        except SystemFailure as failure:
            self._log(f"{name}: {failure}")
            self._failures[name] = failure

    def end(self) -> None:
        """Raise HeldBack with a sentence for each that failed."""
        if self._failures:
            reasons = [f"{name}: {failure}" for name, failure in self._failures.items()]
            raise HeldBack(reasons, retry=any(isinstance(f, SystemUnavailable) for f in self._failures.values()))
