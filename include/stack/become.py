"""`python -m include.stack.become NAME`: turn into one of the stack's processes (what the supervisor runs)."""

from __future__ import annotations

import sys

from include.stack import settings
from include.stack.processes import definitions

if __name__ == "__main__":
    wanted = sys.argv[1]
    next(process for process in definitions(settings.load()) if process.name == wanted).become()
