"""Console output of the CLI: progress lines with elapsed time, and colours only on a terminal."""

from __future__ import annotations

import logging
import sys
import time

from rich.console import Console

CHATTY = ("clickhouse_connect", "py4j", "pyiceberg")
PIPED_WIDTH = 140  # a pipe has no width of its own


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def quiet_libraries() -> None:
    """Silence library loggers below CRITICAL; their failures are raised and reported by the CLI itself."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class Progress:
    """Printer of progress lines such as `  12.3 s  kafka up`, timed from the object's creation."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        out.print(f"[dim]{self.seconds:6.1f} s[/dim]  {message}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
