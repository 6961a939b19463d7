"""Definition of one service of the stack: process, health check and dependencies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.stack.services.process import Process

Check = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the stack.

    Attributes:
        answers: health check in the service's own protocol, not only an open port; never raises. None: no check.
        needs: names of the services that it needs to answer.
    """

    process: Process
    answers: Check | None = None
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.process.name
