"""Snapshots: generated text compared with a file that is read in review like code.

`UPDATE_SNAPSHOTS=1 pytest …` writes the files anew.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any


def assert_snapshot(path: Path, text: str) -> None:
    """Fail with a diff unless the file at `path` holds exactly `text` (and one end of line)."""
    text = text.rstrip("\n") + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    if not path.exists():
        raise AssertionError(f"there is no snapshot {path}; write it with UPDATE_SNAPSHOTS=1")
    stored = path.read_text(encoding="utf-8")
    if stored != text:
        lines = difflib.unified_diff(stored.splitlines(), text.splitlines(), str(path), "generated now", lineterm="")
        raise AssertionError("\n".join(lines))


def as_json(value: Any) -> str:
    """JSON text as snapshots hold it: in the order given, one value a line."""
    return json.dumps(value, indent=2, ensure_ascii=False)
