"""./headrace docs: the site is built strictly, needs nothing from elsewhere, and is served on loopback."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from include.stack import settings
from include.stack.commands.docs import DocsFailed, build, faults, serve
from tests.support.astro import ROOT
from tests.unit.docs.pages import DOCS, OUTSIDE

SERVE = """
import sys
from pathlib import Path
from include.stack.commands.docs import serve
serve(Path(sys.argv[1]), 0, lambda line: print(line, flush=True))
"""
LOADED = re.compile(r'<(?:script|img|link rel="(?:stylesheet|preload)"|link)[^>]*(?:src|href)="(?:https?:)?//[^"]*"')


def silent(_: str) -> None:
    pass


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    index = build(settings.load(), tmp_path / "site", silent)
    assert 'url=docs/index.html"' in index.read_text()
    for page in (*OUTSIDE, *DOCS.rglob("*.md")):
        rendered = index.parent / page.relative_to(ROOT).with_suffix(".html")
        assert rendered.is_file(), rendered
        assert LOADED.findall(rendered.read_text()) == [], rendered
    words = (index.parent / "searchindex.js").read_text()
    assert words.startswith("Search.setIndex(")  # a script: a page that is opened as a file may load it
    assert '"watchdog"' in words
    front = (index.parent / "docs" / "index.html").read_text()
    for part in ("Tutorial", "How-to guides", "Reference", "Explanation"):
        assert re.search(rf'class="nav-link[^"]*" href="[\w/-]+\.html">\s*{part}\s*<', front), part


@pytest.mark.slow
def test_a_dead_link_a_missing_anchor_and_a_page_without_a_place_fail_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        "# Index\n\n- [One](one.md)\n\n[Two](two.md) and [here](one.md#there)\n"
    )
    (tmp_path / "docs" / "one.md").write_text("# One\n")
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n")
    with pytest.raises(DocsFailed, match="the pages have 3 faults") as failed:
        build(replace(settings.load(), root=tmp_path), tmp_path / "site", silent)
    lines = str(failed.value).splitlines()[1:]
    for page, what in (("docs/index.md:5", "two.md"), ("docs/index.md:5", "there"), ("docs/lost.md", "toctree")):
        assert [line for line in lines if line.startswith(f"  {page}: WARNING: ") and what in line], what


def test_faults_are_named_by_page_and_line() -> None:
    log = "/p/docs/a.md:3: WARNING: target not found: 'b' [myst]\n\nbuild finished with problems, 1 warning\n"
    assert faults(log, Path("/p")).splitlines()[1:] == ["  docs/a.md:3: WARNING: target not found: 'b' [myst]"]


def test_a_failure_without_a_warning_shows_the_last_lines() -> None:
    log = "".join(f"line {number}\n" for number in range(20))
    assert faults(log, Path("/p")).splitlines() == ["Sphinx failed:", *(f"  line {number}" for number in range(12, 20))]


def test_the_site_is_served_on_loopback_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the front page")
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = server.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(address).text == "the front page"
        assert httpx.get(f"{address}missing.html").status_code == 404
        server.send_signal(signal.SIGINT)
        output, errors = server.communicate(timeout=30)
    assert (server.returncode, output, errors) == (0, "stopped\n", "")


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            DocsFailed, match=rf"127\.0\.0\.1:{port}: Address already in use; choose another with --port"
        ):
            serve(tmp_path, port, silent)
