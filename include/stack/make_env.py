"""Create `.env` with fresh secrets for a containers-only setup: `python3 -m include.stack.make_env`.

Starts nothing. Keeps existing values. Needs only Python's standard library.
"""

from __future__ import annotations

import sys

from include.stack.settings import ensure_secrets, load

if __name__ == "__main__":
    settings = ensure_secrets(load())
    sys.stdout.write(f"{settings.env_file} contains every secret; only its owner can read it\n")
