"""Regenerate all generated parts of the documentation and `.env.example`."""

from __future__ import annotations

import sys

from include.docs.sections import DOCS, SECTIONS, regenerated
from include.stack.settings_doc import ENV_EXAMPLE, env_example

if __name__ == "__main__":
    for name in SECTIONS:
        page = DOCS / name
        page.write_text(regenerated(name, page.read_text()))
        sys.stdout.write(f"{name}\n")
    ENV_EXAMPLE.write_text(env_example())
