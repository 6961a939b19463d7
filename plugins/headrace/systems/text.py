"""What others say, as it may stand in a message, a log or a row."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 600


def one_line(told: object, most: int = LONGEST) -> str:
    """On one line, of at most so many characters; an error that says nothing is named by its type."""
    line = " ".join(str(told).split())
    if not line and isinstance(told, BaseException):
        line = type(told).__name__
    return line if len(line) <= most else f"{line[: most - 1]}…"
