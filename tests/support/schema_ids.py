"""A lock on the registry's ids: who predicts the next one must be alone, who registers schemas must not disturb that."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Stack


@contextmanager
def schema_ids(stack: Stack, *, exclusive: bool = False) -> Iterator[None]:
    """Hold the lock: alone when ids are predicted, else together with others. It goes with the process, however it ends."""
    with (stack.settings.home / "schema-ids.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
