"""`python3 -m include.stack.make_env`: make `.env` with fresh secrets, for containers alone; starts nothing.

What is there stays as it is. Needs nothing but Python.
"""

from __future__ import annotations

import sys

from include.stack.settings import ensure_secrets, load

if __name__ == "__main__":
    settings = ensure_secrets(load())
    sys.stdout.write(f"{settings.env_file} has every secret; only you may read it\n")
