"""Stop everything, and what killed processes left behind."""

from __future__ import annotations

from include.stack.become import end_orphans
from include.stack.settings import Settings
from include.stack.supervisor import Supervisor


def stop(s: Settings) -> None:
    """Every process of this instance is gone afterwards; nothing happens when none runs."""
    Supervisor(s).shut_down()
    for group_file in s.run.glob("*.group"):
        end_orphans(group_file)
