"""What the CLI says to a person: progress lines with the time, tables, colours only on a terminal."""

from __future__ import annotations

import sys
import time

from rich.console import Console

PIPED_WIDTH = 140  # what is not a terminal says nothing of its width


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


class Progress:
    """Lines such as `  12.3 s  kafka up`, counted from the object's birth."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        out.print(f"[dim]{self.seconds:6.1f} s[/dim]  {message}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
