"""Sphinx's configuration. The source is the whole project, so links to files outside docs/ are checked too."""

from __future__ import annotations

from typing import Any

from include.docs.site.navigation import with_navigation

project = "Headrace"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/**", "CHANGELOG.md", "benchmarks/README.md", "tests/README.md"]
exclude_patterns = [".*", "dags", "include", "plugins"]

myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # examples contain placeholders: <snapshot>, …

html_theme = "pydata_sphinx_theme"
html_theme_options = {"footer_start": [], "footer_end": [], "show_toc_level": 2}
html_title = "Headrace"
html_extra_path = ["extra"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False


def setup(app: Any) -> None:
    """Connect the navigation to Sphinx."""
    app.connect("source-read", _add_navigation)


def _add_navigation(_: Any, page: str, source: list[str]) -> None:
    if page.endswith("/index"):
        source[0] = with_navigation(source[0])
