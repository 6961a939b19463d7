"""Parts of the test suite, run in the foreground or concurrently in the background."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from xml.etree import ElementTree

from include.stack.console import out
from include.stack.services.process import BATCH
from include.stack.settings import Settings

WITHOUT_STACK: Final = "not stack"
ENGINES: Final = "stack and engine and not faults"
BESIDE: Final = "stack and beside and not engine and not faults"
ON_STACK: Final = "stack and not beside and not engine and not faults"
FAULTS: Final = "stack and faults"
PARTS: Final = (WITHOUT_STACK, ENGINES, BESIDE, ON_STACK, FAULTS)
"""pytest's `-m` expression of each part; together they select every test exactly once."""
NO_ENGINES: Final = f"not ({ENGINES})"
"""Expression for all tests outside `ENGINES`."""

SELECTS: Final = ("-k", "-m", "--long", "--deselect", "--ignore", "--pyargs", "--co")
NO_TESTS: Final = 5
NICE: Final = BATCH + 2
"""Niceness of parts in the background: below the stack's batch jobs, for which the part in the foreground waits."""
STOP_WITHIN_S: Final = 30


def is_whole(root: Path, arguments: Sequence[str]) -> bool:
    """Return whether pytest's arguments run the whole suite, i.e. contain no selection."""
    return not any(
        argument.startswith(SELECTS) or (root / argument.partition("::")[0]).exists() for argument in arguments
    )


@dataclass
class Suite:
    """Runner of the suite's parts; records exit codes and durations, and writes reports to `folder`."""

    settings: Settings
    arguments: Sequence[str]
    folder: Path
    limit_s: float
    codes: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, part: str, environ: Mapping[str, str]) -> None:
        """Run a part in the foreground."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(part), cwd=self.settings.root, env=environ, timeout=self.limit_s, check=False
        )
        self.ended(part, done.returncode, began)

    def report(self) -> int:
        """Print the result of each part and return the worst exit code."""
        total: dict[str, int] = {}
        for part, code in self.codes.items():
            counts = outcomes(self._report(part))
            for outcome, count in counts.items():
                total[outcome] = total.get(outcome, 0) + count
            out.print(f"{self.seconds[part]:7.1f} s  {part}: {_counts_text(counts)}, exit code {code}", markup=False)
        out.print(f"total: {_counts_text(total)}", markup=False)
        codes = [code for code in self.codes.values() if code != NO_TESTS]
        return max(codes, key=abs, default=NO_TESTS)

    def reports(self) -> dict[str, Path]:
        """Return part → its JUnit report."""
        return {part: self._report(part) for part in self.codes}

    def ended(self, part: str, code: int, began: float) -> None:
        """Record a part's exit code and duration."""
        self.codes[part] = code
        self.seconds[part] = time.monotonic() - began

    def command(self, part: str) -> list[str]:
        """Return the pytest command of a part."""
        report = f"--junitxml={self._report(part)}"
        return [sys.executable, "-m", "pytest", *self.arguments, "-m", part, report]

    def log(self, part: str) -> Path:
        """Return the log file of a part that runs in the background."""
        return self._file(part, "log")

    def _report(self, part: str) -> Path:
        return self._file(part, "xml")

    def _file(self, part: str, ending: str) -> Path:
        return self.folder / f"{part.replace(' ', '_')}.{ending}"


class Lane:
    """Context manager that runs parts one after the other in the background, at low CPU priority."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._pool = ThreadPoolExecutor(1)
        self._waiting = list[tuple[str, Path, Future[None]]]()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Terminate the running part and cancel the waiting ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def add(self, part: str, environ: Mapping[str, str]) -> None:
        """Queue a part; it runs after the parts before it."""
        log = self._suite.log(part)
        self._waiting.append((part, log, self._pool.submit(self._run, part, log, environ)))

    def finish(self) -> None:
        """Wait for every queued part and print its output."""
        for part, log, done in self._waiting:
            done.result(self._suite.limit_s)
            out.print(f"--- {part}", markup=False)
            sys.stdout.write(log.read_text(errors="replace"))
            sys.stdout.flush()
        self._waiting.clear()

    def _run(self, part: str, log: Path, environ: Mapping[str, str]) -> None:
        began, command = time.monotonic(), ["nice", "-n", str(NICE), *self._suite.command(part)]
        with log.open("wb") as printed:
            self._process = subprocess.Popen(
                command, cwd=self._suite.settings.root, env=environ, stdout=printed, stderr=printed
            )
            self._suite.ended(part, self._process.wait(self._suite.limit_s), began)


def outcomes(report: Path) -> dict[str, int]:
    """Return the counts of a JUnit report by outcome; a missing report counts as one aborted part."""
    if not report.exists():
        return {"aborted": 1}
    counts: dict[str, int] = {}
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest has just written it
        found = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        passed = found.pop("tests") - sum(found.values())
        for outcome, count in {"passed": passed, **found}.items():
            counts[outcome] = counts.get(outcome, 0) + count
    return counts


def _counts_text(counts: Mapping[str, int]) -> str:
    shown: Iterable[str] = (f"{count} {outcome}" for outcome, count in counts.items() if count)
    return ", ".join(shown) or "no tests"
