"""What the CLI says to a person: progress lines with the time, tables, colours only on a terminal."""

from __future__ import annotations

import logging
import sys
import time

from rich.console import Console

CHATTY = ("clickhouse_connect", "py4j", "pyiceberg")
PIPED_WIDTH = 140  # what is not a terminal says nothing of its width


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def quiet_libraries() -> None:
    """Keeps what libraries log to themselves: what they fail at is raised, and said in our words."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Progress:
    """Lines such as `  12.3 s  kafka up`, counted from the object's birth."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        out.print(f"[dim]{self.seconds:6.1f} s[/dim]  {message}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
