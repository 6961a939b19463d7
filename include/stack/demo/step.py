"""Parts of the demo: a step, what it found, and the error of an unmet expectation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from include.stack.demo.stage import Stage
from include.stack.settings import Settings


class Seen(NamedTuple):
    """Result of a step."""

    facts: tuple[tuple[str, str], ...]
    """What was found: label and value."""
    see_also: tuple[str, ...] = ()
    """Where to look: addresses and queries."""


class Step(NamedTuple):
    """One step of the demo. Running it again gives the same end state."""

    title: str
    about: str
    """What happens, in one or two sentences."""
    commands: Callable[[Settings], tuple[str, ...]]
    """Commands by which a person does the same."""
    act: Callable[[Stage], Seen]
