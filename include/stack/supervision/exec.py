"""Replace this process by one of the stack's processes; the supervisor runs `python -m include.stack.supervision.exec NAME`."""

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
    """Kill the orphaned children of a process's earlier start and return their pids.

    A killed process leaves its children running: Airflow's workers keep the dead scheduler's database connection and
    locks, and a Spark JVM outlives its Python process. The supervisor makes each process the leader of its own process
    group, which identifies the children.
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
    """Return whether the group id was reused: its leader is alive and is not the process of the earlier start."""
    leader = os.getpgid(process.pid)
    return psutil.pid_exists(leader) and abs(psutil.Process(leader).create_time() - started) > 1


def exec_process(name: str) -> None:
    """Kill orphans of the earlier start, then replace the current process by the named one; never returns."""
    s = settings.kept(settings.load())
    group_file = s.run / f"{name}.group"
    end_orphans(group_file)
    group_file.write_text(f"{os.getpgid(0)} {psutil.Process().create_time()}")
    if name.startswith(PREFIX):  # also for a group that is not applied; its driver reports that
        stream_process(s, name.removeprefix(PREFIX)).exec()
    next(process for process in definitions(s) if process.name == name).exec()


if __name__ == "__main__":
    exec_process(sys.argv[1])
