"""Results as files: one JSON document a benchmark, with all that is needed to judge and to repeat it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.stats import summary
from include.stack.settings import Settings

FOLDER = Path(__file__).parent / "results"
OTHERS = "cores_of_others"


def document(name: str, title: str, s: Settings, load_before: float, repetitions: Sequence[Mapping[str, Any]]) -> Any:
    """The document of one benchmark; `load_before` is the machine's load average when it began."""
    return {
        "benchmark": name,
        "title": title,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"./headrace {shlex.join(sys.argv[1:])}",
        "commit": commit(s.root),
        "instance": s.home.name,
        "machine": machine.describe(s),
        "load_before": round(load_before, 2),
        "cores_of_others": max(others(repetitions), default=None),
        "summary": summary(repetitions),
        "repetitions": list(repetitions),
    }


def write(folder: Path, found: Mapping[str, Any]) -> Path:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{found['benchmark']}.json"
    temporary = place.with_suffix(".new")
    temporary.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(place)
    return place


def read_all(folder: Path) -> dict[str, Any]:
    """Benchmark → document."""
    documents = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
    return {found["benchmark"]: found for found in documents}


def commit(root: Path) -> str:
    """The commit that is checked out, with `+` when tracked files differ from it."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    return f"{head}+" if head and _git(root, "status", "--porcelain", "--untracked-files=no") else head


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


def others(value: Any) -> Iterator[float]:
    """Every `cores_of_others` within: cores that were kept busy by what is not the platform."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == OTHERS:
                yield inner
            else:
                yield from others(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from others(inner)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip()
