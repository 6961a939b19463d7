"""The Markdown pages of the project: their links, anchors and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.astro import ROOT

DOCS = ROOT / "docs"
OUTSIDE = tuple(ROOT / name for name in ("CHANGELOG.md", "benchmarks/README.md", "tests/README.md"))
"""Pages of the site that are not under docs/."""
PAGES = (ROOT / "README.md", *OUTSIDE, *sorted(DOCS.rglob("*.md")))
MARKDOWN = MarkdownIt("commonmark").enable("table")


def links(text: str) -> Iterator[str]:
    """The targets of a page's links and images."""
    for token in _tokens(text):
        target = token.attrs.get("href", token.attrs.get("src"))
        if target is not None:
            yield str(target)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site name them."""
    found: set[str] = set()
    tokens = MARKDOWN.parse(text)
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        title = "".join(child.content for child in inline.children or ())
        name = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        again = sum(1 for one in found if re.fullmatch(rf"{re.escape(name)}(-\d+)?", one))
        found.add(f"{name}-{again}" if again else name)
    return found


def code(text: str) -> Iterator[str]:
    """The lines of a page's code blocks, and its inline code."""
    for token in _tokens(text):
        if token.type == "code_inline":
            yield token.content
        elif token.type == "fence":
            yield from token.content.splitlines()


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _tokens(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()
