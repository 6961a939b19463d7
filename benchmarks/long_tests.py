"""The result of `./headrace test --long`: what ran, on which machine and commit, how it ended and how long it took."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks import machine, results
from include.stack.settings import Settings

NAME = "long"
OUTCOMES = {"failure": "failed", "error": "errors", "skipped": "skipped"}


def write(report: Path, s: Settings, folder: Path = results.FOLDER) -> Path:
    """Write `long.json` from a JUnit report of pytest; its path."""
    tests = outcomes(report)
    document = {
        "benchmark": NAME,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "./headrace test --long",
        "commit": results.commit(s.root),
        "machine": machine.describe(s),
        "counts": dict(Counter(test["outcome"] for test in tests)),
        "seconds": round(sum(test["seconds"] for test in tests), 1),
        "tests": tests,
    }
    return results.write(folder, document)


def outcomes(report: Path) -> list[dict[str, Any]]:
    """Every test of a JUnit report with its outcome and seconds, in the order they ran."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [
        {
            "test": f"{case.get('classname', '')}::{case.get('name', '')}",
            "outcome": next((OUTCOMES[part.tag] for part in case if part.tag in OUTCOMES), "passed"),
            "seconds": round(float(case.get("time", 0)), 1),
            "properties": {p.get("name"): p.get("value") for p in case.iter("property")},
        }
        for case in cases
    ]
