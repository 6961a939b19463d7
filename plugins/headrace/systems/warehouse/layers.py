"""SQL layers: folders of files with one idempotent statement per file, in the order of the file names."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Statement(NamedTuple):
    """One idempotent statement."""

    name: str
    """Name of the object that the statement creates: the file name without number and suffix."""
    sql: str


def statements(folder: Path) -> tuple[Statement, ...]:
    """Return the layer's statements in the order to run them. Raises FileNotFoundError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such SQL layer")
    files = sorted(folder.glob("*.sql"))
    return tuple(Statement(path.stem.partition("_")[2], path.read_text().strip()) for path in files)
