"""What a killed process leaves behind is ended before it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from include.stack.supervision.exec import end_orphans

LEADER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def leader() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LEADER], stdout=subprocess.PIPE, text=True, process_group=0)


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def _read_child(leader: subprocess.Popen[str]) -> int:
    assert leader.stdout is not None
    return int(leader.stdout.readline())


def test_children_of_a_killed_leader_are_ended(leader: subprocess.Popen[str], tmp_path: Path) -> None:
    child = _read_child(leader)
    file = tmp_path / "x.group"
    file.write_text(f"{leader.pid} {psutil.Process(leader.pid).create_time()}")
    os.kill(leader.pid, signal.SIGKILL)
    leader.wait()
    assert end_orphans(file) == [child]
    assert _gone(child)


def test_a_group_whose_number_was_given_anew_is_left_alone(leader: subprocess.Popen[str], tmp_path: Path) -> None:
    child = _read_child(leader)
    file = tmp_path / "x.group"
    file.write_text(f"{leader.pid} {psutil.Process(leader.pid).create_time() - 3600}")
    assert end_orphans(file) == []
    assert psutil.pid_exists(child)
    os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def test_the_first_start_has_nothing_to_end(tmp_path: Path) -> None:
    assert end_orphans(tmp_path / "none.group") == []


@pytest.mark.parametrize("nice", [0, 10])
def test_batch_work_and_its_children_have_a_lower_priority(nice: int) -> None:
    shown = "import os, psutil; print(os.nice(0), psutil.Process().ionice().value)"
    call = f"Process('x', ({sys.executable!r}, '-c', {shown!r}), nice={nice}).exec()"
    program = f"from include.stack.services.process import Process; {call}"
    before = os.nice(0), psutil.Process().ionice().value
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    after = tuple(map(int, done.stdout.split()))
    assert after == ((min(before[0] + nice, 19), 7) if nice else before)  # 19 is the lowest priority
