"""Formatting of foreign text for messages, logs and rows."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 600


def one_line(text: object, most: int = LONGEST) -> str:
    """Return the text on one line of at most `most` characters. An error without text is named by its type."""
    line = " ".join(str(text).split())
    if not line and isinstance(text, BaseException):
        line = type(text).__name__
    return line if len(line) <= most else f"{line[: most - 1]}…"
