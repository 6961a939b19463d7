"""Write outcomes and seconds of tests, in the shape of a benchmark's result: of the suite's parts, or of the long tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from benchmarks import machine, results
from include.stack.settings import Settings

LONG: Final = "long"
SUITE: Final = "suite"
COMMANDS: Final = {LONG: "./headrace test --long", SUITE: "./headrace test"}
LISTED_S: Final = {LONG: 0.0, SUITE: 1.0}
"""Tests that took less are counted and not listed."""
OUTCOMES: Final = {"failure": "failed", "error": "errors", "skipped": "skipped"}


def write(
    name: str, reports: Mapping[str, Path], s: Settings, folder: Path = results.FOLDER, wall_s: float | None = None
) -> Path:
    """Write `<name>.json` from JUnit reports of pytest, one a part; its path. `wall_s`: from the command to its end."""
    parts = {part: outcomes(report) for part, report in reports.items() if report.exists()}
    tests = [test for found in parts.values() for test in found]
    document = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": COMMANDS[name],
        "commit": results.commit(s.root),
        "machine": machine.describe(s),
        "wall_s": None if wall_s is None else round(wall_s),
        "counts": dict(Counter(test["outcome"] for test in tests)),
        "seconds": {part: round(sum(test["seconds"] for test in found), 1) for part, found in parts.items()},
        "seconds_by_file": _by_file(tests),
        "tests": [test for test in tests if test["seconds"] >= LISTED_S[name]],
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


def _by_file(tests: list[dict[str, Any]]) -> dict[str, float]:
    seconds = Counter[str]()
    for test in tests:
        seconds[test["test"].partition("::")[0]] += test["seconds"]
    return {file: round(total, 1) for file, total in seconds.most_common() if total >= 0.1}
