"""SQL that is code: a layer is a folder of files, one idempotent statement a file; file names give the order."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Statement(NamedTuple):
    """One idempotent statement."""

    name: str
    """The file's name without order and suffix: what the statement makes."""
    sql: str


def statements(folder: Path) -> tuple[Statement, ...]:
    """The layer's statements in the order in which they are to be run. Raises FileNotFoundError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such layer of SQL")
    files = sorted(folder.glob("*.sql"))
    return tuple(Statement(path.stem.partition("_")[2], path.read_text().strip()) for path in files)
