from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.astro import ROOT, STACK


def _requirements(text: str) -> list[Requirement]:
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _locked() -> dict[str, str]:
    lines = (STACK / "requirements.lock").read_text().splitlines()
    pins = (re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line) for line in lines)
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def test_what_pip_installs_into_the_image_is_what_the_local_stack_runs() -> None:
    locked = _locked()
    wanted = _requirements((ROOT / "requirements.txt").read_text())
    assert len(wanted) > 15
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        assert name in locked, name
        assert requirement.specifier.contains(locked[name]), f"{requirement} is locked at {locked[name]}"


def test_every_requirement_of_the_image_is_pinned() -> None:
    """To one version; pandas is bounded instead, because Airflow's own constraints choose within the bounds."""
    for requirement in _requirements((ROOT / "requirements.txt").read_text()):
        exact = [s for s in requirement.specifier if s.operator == "=="]
        assert exact or requirement.name == "pandas", requirement
        assert requirement.url is None
        assert requirement.marker is None


def test_the_stack_requires_the_versions_of_the_image() -> None:
    mine = {canonicalize_name(r.name): r for r in _requirements((ROOT / "requirements.txt").read_text())}
    for requirement in _requirements((STACK / "requirements.in").read_text()):
        both = mine.get(canonicalize_name(requirement.name))
        if both is not None:
            assert both.specifier == requirement.specifier


def test_packages_are_plain_names_that_apt_takes() -> None:
    for file in (ROOT / "packages.txt", STACK / "packages.txt"):
        for line in file.read_text().splitlines():
            assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", line), line
