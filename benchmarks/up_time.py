"""Starting: `./headrace up` after `./headrace down`, until every process is healthy and until the data is served."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure

REPETITIONS = 3
WITHIN_S = 2400
STEP = re.compile(r"(\S+) up after [\d.]+ s\s*$")
REPORTED_LINE = re.compile(r"\s*[\d.]+ s  (.+)")
METHOD = (
    "Everything installed and loaded; `./headrace down`, then `./headrace up`. Seconds from the command until the last "
    "process answers its own protocol (healthy), and until the command ends because every hop of every dataset holds "
    "the same rows (served). `steps_s` is the timeline."
)
FIGURES = (
    Figure("warm `./headrace up` until all healthy", "healthy_s", "s", "≤ 90"),
    Figure("warm `./headrace up` until served", "served_s", "s"),
    Figure("`./headrace down`", "down_s", "s"),
)


def run(context: Context) -> dict[str, Any]:
    """Down and up."""
    ended, _ = run_command(context, "down")[-1]
    return {"down_s": round(ended, 2), **timeline(run_command(context, "up"))}


def timeline(lines: list[tuple[float, str]]) -> dict[str, Any]:
    """Moments out of what `up` said, each line with its seconds; the last line ends it. Pure."""
    steps = {found[1]: round(at, 2) for at, line in lines if (found := STEP.search(line))}
    if not steps:
        raise NotMeasured("`up` told of no process that came up")
    return {"steps_s": steps, "healthy_s": max(steps.values()), "served_s": round(lines[-1][0], 2)}


def run_command(context: Context, *command: str) -> list[tuple[float, str]]:
    """Run `./headrace <command …>`; return its lines, each with the seconds since the call, and last its end.

    Raises:
        NotMeasured: it failed.
    """
    began, lines = time.monotonic(), []
    process = subprocess.Popen(
        [str(context.settings.root / "headrace"), *command],
        env={**context.environ, "PYTHONUNBUFFERED": "1"}, cwd=context.settings.root,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        lines.append((time.monotonic() - began, line.rstrip()))
        if found := REPORTED_LINE.fullmatch(line.rstrip()):
            context.report(found[1])
    if process.wait(WITHIN_S):
        raise NotMeasured(
            f"./headrace {' '.join(command)} ended with {process.returncode}: {lines[-1][1] if lines else ''}"
        )
    return [*lines, (time.monotonic() - began, "")]
