"""A folder of contracts, empty."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = ("include", "schemas")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.joinpath(*ROOT)
    root.mkdir(parents=True)
    return root
