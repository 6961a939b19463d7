"""One service of the stack: its process, what shows that it answers, and whom it needs for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.stack.services.process import Process

Check = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Service:
    """What the stack knows of one server.

    Attributes:
        answers: asks it in its own protocol, an open port is not enough; never raises. Without one nobody asks.
        needs: the services without which it cannot answer.
    """

    process: Process
    answers: Check | None = None
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.process.name
