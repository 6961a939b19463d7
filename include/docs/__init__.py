"""Generator of the generated parts of docs/: `python -m include.docs` rewrites them; a test compares them."""

from __future__ import annotations
