"""The generated parts of docs/: `python -m include.docs` writes them anew, a test compares."""

from __future__ import annotations
