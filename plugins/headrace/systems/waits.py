"""Wait times between polls and retries; environment variables override the defaults in the code.

Imports no heavy module, because DAG files import this one.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

LONGEST_RETRY_S: Final = 3_600.0


def seconds(variable: str, default: float) -> float:
    """Return the environment variable as seconds; the default if it is not set.

    Raises:
        ValueError: it is not a number of seconds above 0.
    """
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"{variable} must be a number of seconds above 0; got {text!r}")
    return value


def retry_delay(default_s: float) -> timedelta:
    """Return a DAG's `retry_delay`: its default, limited to HEADRACE_RETRY_DELAY_S."""
    return timedelta(seconds=min(default_s, seconds("HEADRACE_RETRY_DELAY_S", LONGEST_RETRY_S)))
