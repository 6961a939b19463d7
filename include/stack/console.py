"""What the CLI says to a person: progress lines with the time, tables, colours only on a terminal."""

from __future__ import annotations

import time

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Progress:
    """Lines such as `  12.3 s  kafka up`, counted from the object's birth."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, message: str) -> None:
        out.print(f"[dim]{self.seconds:6.1f} s[/dim]  {message}")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
