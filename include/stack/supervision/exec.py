"""`python -m include.stack.supervision.exec NAME`: turn into one of the stack's processes (what the supervisor runs)."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

from include.stack import settings
from include.stack.services.catalogue import definitions
from include.stack.services.streams import PREFIX, stream_process


def end_orphans(group_file: Path) -> list[int]:
    """Kill what the process of an earlier start left behind; the pids.

    A process that was killed cannot take its children along: Airflow's workers would hold the dead scheduler's
    connection to the database, with its locks, and a Spark JVM would outlive its Python. The supervisor makes each
    process the leader of a group of its own, so they are known by it.
    """
    if not group_file.exists():
        return []
    group, started = (float(part) for part in group_file.read_text().split())
    killed = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            ours = os.getpgid(process.pid) == int(group) and process.create_time() >= started - 1
            if ours and process.pid != os.getpid() and not _leads_another(process, started):
                process.kill()
                killed.append(process.pid)
    return killed


def _leads_another(process: psutil.Process, started: float) -> bool:
    """Whether the group's number was given anew: its leader lives and is not the process of the earlier start."""
    leader = os.getpgid(process.pid)
    return psutil.pid_exists(leader) and abs(psutil.Process(leader).create_time() - started) > 1


def become(name: str) -> None:
    """Never returns: the current process is the one named from here on."""
    s = settings.kept(settings.load())
    group_file = s.run / f"{name}.group"
    end_orphans(group_file)
    group_file.write_text(f"{os.getpgid(0)} {psutil.Process().create_time()}")
    if name.startswith(PREFIX):  # also of a group that is not among the applied ones, and says so itself
        stream_process(s, name.removeprefix(PREFIX)).become()
    next(process for process in definitions(s) if process.name == name).become()


if __name__ == "__main__":
    become(sys.argv[1])
