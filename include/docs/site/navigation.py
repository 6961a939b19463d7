"""Navigation of the site: the list items of an index page that begin with a link, in their order. Pure."""

from __future__ import annotations

import re
from typing import Final

ENTRY: Final = re.compile(r"^- \[[^\]]*\]\(([^)#:]+\.md)\)", re.MULTILINE)


def entries(index: str) -> list[str]:
    """Return the pages that an index page lists, as paths relative to it."""
    return ENTRY.findall(index)


def with_navigation(index: str) -> str:
    """Return an index page with its entries as Sphinx's table of contents, which readers of the file do not need."""
    return "\n".join([index, "```{toctree}", ":hidden:", "", *entries(index), "```", ""])
