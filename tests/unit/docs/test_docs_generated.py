from __future__ import annotations

import pytest

from include.docs.sections import DOCS, SECTIONS, Unmarked, regenerated
from include.stack.settings_doc import ENV_EXAMPLE, env_example

PAGES = {str(page.relative_to(DOCS)): page for page in sorted(DOCS.rglob("*.md"))}


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_parts_of_a_page_are_up_to_date(name: str) -> None:
    """Else: python -m include.docs"""
    text = PAGES[name].read_text()
    assert text == regenerated(name, text)


def test_the_example_of_an_env_file_is_up_to_date() -> None:
    """Else: python -m include.docs"""
    assert ENV_EXAMPLE.read_text() == env_example()


def test_every_page_with_generated_parts_is_there() -> None:
    assert SECTIONS.keys() <= PAGES.keys()


def test_a_missing_or_unknown_part_is_reported() -> None:
    with pytest.raises(Unmarked, match="versions"):
        regenerated("reference/requirements.md", "<!-- generated: commands -->\n<!-- end of commands -->\n")
    with pytest.raises(Unmarked, match="nonsense"):
        regenerated("how-to/astro.md", "<!-- generated: nonsense -->\n<!-- end of nonsense -->\n")


def test_no_machine_path_gets_into_a_page() -> None:
    for page in [*PAGES.values(), DOCS.parent / "CHANGELOG.md"]:
        assert str(DOCS.parent) not in page.read_text(), page.name
