"""Memory at rest: the proportional set size of every process after two idle minutes, and what the platform burns idle."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from benchmarks import cpu
from benchmarks.context import Context
from benchmarks.figure import Figure

REPETITIONS = 1
METHOD = (
    "Pss of /proc/<pid>/smaps_rollup, summed over each supervised process and its children, after two minutes without "
    "a change in the source; the loads measured before have been through these processes. Without the page cache."
)
FIGURES = (
    Figure("memory at rest, whole platform (PSS)", "total_mib", "MiB", "≤ 8,192"),
    Figure("cores busy at rest", "idle_cores", "cores"),
)


def run(context: Context) -> dict[str, Any]:
    """One look after the idle time."""
    idle_s = context.amount(120, 2)
    context.report(f"leaving the platform alone for {idle_s} s")
    before = context.cpu()
    time.sleep(idle_s)
    after = context.cpu()
    spent = cpu.spent(before, after)
    found = by_process(after.roots)
    return {
        "mib": found,
        "total_mib": round(sum(found.values()), 1),
        "idle_cores": round(spent["platform"] / (after.at - before.at), 3),
        "cpu_s": spent,
    }


def by_process(roots: Mapping[str, int]) -> dict[str, float]:
    """MiB of each tree that is part of the platform."""
    seen = tuple(cpu.tasks())
    platform = {name: pid for name, pid in roots.items() if name not in cpu.APART}
    parent = next((task.parent for task in seen if task.pid in platform.values()), None)
    platform |= {"supervisor": parent} if parent else {}
    borders = frozenset(roots.values())
    return {
        name: round(sum(pss_mib(pid) for pid in cpu.members(root, seen, borders)), 1) for name, root in platform.items()
    }


def pss_mib(pid: int) -> float:
    """Proportional set size; 0 when the process is gone."""
    try:
        text = (cpu.PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
