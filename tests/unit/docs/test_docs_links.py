"""Links, anchors, the navigation, and what pages and messages name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.docs.commands import every_command, parameters
from include.docs.site.navigation import entries, with_navigation
from tests.support.astro import ROOT
from tests.unit.docs.pages import DOCS, OUTSIDE, PAGES, anchors, code, links, name_of

NAMED = re.compile(r"\bdocs/[\w/-]+\.md\b")
COMMAND = re.compile(r"\./headrace ([^#\n]+)")
FOLDERS = ("benchmarks", "dags", "docs", "include", "plugins", "tests")
TEXTS = {"", ".j2", ".java", ".md", ".py", ".toml", ".xml", ".yaml", ".yml"}
EXAMPLES = Path(__file__).parent
TO_DO = DOCS / "explanation" / "roadmap.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(dead(page, page.read_text())) == []


def test_a_dead_link_and_a_missing_anchor_are_found() -> None:
    text = "# One\n\n[a](missing.md) [b](#two) [c](#one) [d](index.md#nowhere) `[e](code.md)` [f](https://x.org/g.md)\n"
    assert list(dead(DOCS / "index.md", text)) == ["missing.md", "#two", "index.md#nowhere"]


def test_anchors_are_those_of_github() -> None:
    text = "# The rest: `.odcs.yaml`\n\n## A b\n\n## A b\n\n```\n# no heading\n```\n"
    assert anchors(text) == {"the-rest-odcsyaml", "a-b", "a-b-1"}


def test_every_page_of_the_site_has_one_place_in_the_navigation() -> None:
    indexes = sorted(DOCS.rglob("index.md"))
    listed = Counter((index.parent / entry).resolve() for index in indexes for entry in entries(index.read_text()))
    pages = {page for page in (*OUTSIDE, *DOCS.rglob("*.md")) if page != DOCS / "index.md"}
    assert {name_of(page) for page in listed} == {name_of(page) for page in pages}
    assert [name_of(page) for page, times in listed.items() if times > 1] == []


def test_the_site_has_four_parts() -> None:
    assert entries((DOCS / "index.md").read_text()) == [
        f"{part}/index.md" for part in ("tutorial", "how-to", "reference", "explanation")
    ]


def test_the_entries_of_an_index_are_its_list_items_that_begin_with_a_link() -> None:
    index = "# A\n\nSee [b](b.md).\n\n- [c](c.md): and [d](d.md)\n- none\n- [e](../e.md)\n- [f](https://x.org/f.md)\n"
    assert entries(index) == ["c.md", "../e.md"]
    assert with_navigation(index) == f"{index}\n```{{toctree}}\n:hidden:\n\nc.md\n../e.md\n```\n"


def test_every_page_that_a_message_or_a_comment_names_exists() -> None:
    files = [*ROOT.glob("*"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))]
    ours = [file for file in files if file.is_file() and file.suffix in TEXTS and file.parent != EXAMPLES]
    found = {(name_of(file), name) for file in ours for name in NAMED.findall(file.read_text())}
    assert len(found) > 20
    assert [(file, name) for file, name in sorted(found) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != TO_DO and "adr" not in page.parts], ids=name_of)
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    assert list(unknown(page.read_text())) == []


def test_a_command_or_an_option_that_does_not_exist_is_found() -> None:
    shown = "`./headrace go` `./headrace shop live --rows 5` `./headrace shop close` `./headrace logs --all`"
    assert list(unknown(shown)) == ["go", "shop close", "logs --all"]


def dead(page: Path, text: str) -> Iterator[str]:
    """The links of a page that lead to no file or no heading."""
    for target in links(text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(text if not path else file.read_text())):
            yield target


def unknown(text: str) -> Iterator[str]:
    """The commands of ./headrace that a page shows and that do not exist, or not with these options."""
    known = {name: {option for p in parameters(command) for option in p.opts} for name, command in every_command()}
    groups = {name.split()[0] for name in known if " " in name}
    for line in code(text):
        for shown in COMMAND.findall(line):
            words = re.split(r"\s+", re.split(r"[;&|)]| … ", shown)[0].strip())
            name = " ".join(words[:2]) if words[0] in groups else words[0]
            if name in groups:
                continue
            options = {word.split("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
            if name not in known or not options <= known[name]:
                yield " ".join([name, *sorted(options)])
