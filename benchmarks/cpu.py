"""CPU-seconds by process tree, from one pass over /proc: who worked how much between two readings.

A tree's time is the own time of its living members and of the children that they have waited for, so
nothing is lost when a child ends in between.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.stats import per_second

APART = frozenset({"bench", "shop", "watch-warehouse"})
"""Names of trees that measure or make work, and are no part of the platform."""

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Task:
    """One process of /proc: its parent and its CPU-seconds, waited-for children included."""

    pid: int
    parent: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What was used up to one moment."""

    at: float
    """Monotonic seconds."""
    roots: Mapping[str, int] = field(hash=False)
    """Name → pid of the tree's root."""
    trees: Mapping[str, float] = field(hash=False)
    """Name → CPU-seconds of the tree."""
    machine_s: float
    """CPU-seconds that the whole machine was busy."""


def read(roots: Mapping[str, int]) -> Reading:
    """CPU-seconds of each named tree so far; a process belongs to the nearest root above it."""
    used = shares(tuple(tasks()), roots)
    return Reading(time.monotonic(), dict(roots), used, machine_s())


def spent(before: Reading, after: Reading) -> dict[str, Any]:
    """CPU-seconds between two readings: by process, of the platform, of those APART; and cores kept busy by others.

    A tree that is new, or has another root than before, counts from nothing.
    """
    used = {name: _used(name, before, after) for name in sorted(after.trees)}
    apart = sum(value for name, value in used.items() if name in APART)
    known = sum(used.values())
    others = max(0.0, after.machine_s - before.machine_s - known)
    return {
        "by_process": {name: round(value, 2) for name, value in used.items()},
        "platform": round(known - apart, 2),
        "apart": round(apart, 2),
        "cores_of_others": round(others / max(after.at - before.at, TICK_S), 3),
    }


def rows_per_cpu_s(rows: int, used: Mapping[str, Any], least_s: float = 0.1) -> dict[str, float]:
    """Rows by CPU-second of the platform, and of every process of it that used at least so much."""
    each = {name: value for name, value in used["by_process"].items() if name not in APART and value >= least_s}
    return {name: per_second(rows, value) for name, value in {"platform": used["platform"], **each}.items()}


def shares(found: tuple[Task, ...], roots: Mapping[str, int]) -> dict[str, float]:
    """CPU-seconds by tree. Pure."""
    parents = {task.pid: task.parent for task in found}
    names = {pid: name for name, pid in roots.items()}
    used = dict.fromkeys(roots, 0.0)
    for task in found:
        root = _root(task.pid, parents, names)
        if root is not None:
            used[root] += task.cpu_s
    return used


def members(root: int, found: tuple[Task, ...], others: frozenset[int] = frozenset()) -> list[int]:
    """The pids of a tree, without those that stand under another root."""
    parents = {task.pid: task.parent for task in found}
    names = {pid: str(pid) for pid in {root, *others}}
    return [task.pid for task in found if _root(task.pid, parents, names) == str(root)]


def tasks() -> Iterator[Task]:
    """Every process there is."""
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            try:
                yield parse(int(entry.name), (PROC / entry.name / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue


def parse(pid: int, stat: str) -> Task:
    """One line of /proc/<pid>/stat; the name in parentheses may hold anything."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return Task(pid, int(fields[1]), sum(map(int, fields[11:15])) * TICK_S)


def machine_s() -> float:
    """Seconds that all CPUs together were busy: neither idle nor waiting for a disk or the hypervisor."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, (PROC / "stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) * TICK_S


def _root(pid: int, parents: Mapping[int, int], names: Mapping[int, str]) -> str | None:
    while pid in parents:
        if pid in names:
            return names[pid]
        pid = parents[pid]
    return None


def _used(name: str, before: Reading, after: Reading) -> float:
    same = before.roots.get(name) == after.roots[name]
    return max(0.0, after.trees[name] - (before.trees.get(name, 0.0) if same else 0.0))
