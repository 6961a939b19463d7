"""CPU-seconds by process tree."""

from __future__ import annotations

import os

from benchmarks import cpu
from benchmarks.cpu import Reading, Task

TASKS = (Task(1, 0, 9.0), Task(10, 1, 1.0), Task(11, 10, 2.0), Task(12, 11, 4.0), Task(20, 1, 8.0))


def reading(at: float, trees: dict[str, float], machine_s: float, roots: dict[str, int] | None = None) -> Reading:
    return Reading(at, roots or dict.fromkeys(trees, 1), trees, machine_s)


def test_a_line_of_proc_with_an_evil_name() -> None:
    numbers = "S 7 1 1 0 -1 4194304 103 0 0 0 150 50 25 25 20 0 1 0 355643"
    assert cpu.parse(42, f"42 (a) b (c) {numbers}") == Task(42, 7, 250 * cpu.TICK_S)


def test_a_process_belongs_to_the_nearest_root_above_it() -> None:
    assert cpu.shares(TASKS, {"outer": 10, "inner": 11, "gone": 99}) == {"outer": 1.0, "inner": 6.0, "gone": 0.0}
    assert cpu.members(10, TASKS) == [10, 11, 12]
    assert cpu.members(10, TASKS, frozenset({12, 20})) == [10, 11]


def test_spent_separates_the_platform_from_the_measurement_and_from_others() -> None:
    before = reading(0, {"kafka": 5.0, "bench": 1.0}, 100)
    after = reading(10, {"kafka": 8.0, "bench": 1.5, "stream": 2.0}, 106.5)
    assert cpu.spent(before, after) == {
        "by_process": {"bench": 0.5, "kafka": 3.0, "stream": 2.0},
        "platform": 5.0,
        "apart": 0.5,
        "cores_of_others": 0.1,
    }


def test_a_restarted_process_counts_from_nothing() -> None:
    before = reading(0, {"kafka": 5.0}, 0, {"kafka": 10})
    after = reading(1, {"kafka": 2.0}, 0, {"kafka": 11})
    assert cpu.spent(before, after)["by_process"] == {"kafka": 2.0}


def test_rows_by_cpu_second_leave_out_the_idle_and_the_measuring() -> None:
    used = {"by_process": {"bench": 5.0, "kafka": 4.0, "idle": 0.01}, "platform": 4.01}
    assert cpu.rows_per_cpu_s(100, used) == {"platform": 25.0, "kafka": 25.0}


def test_this_process_is_seen_to_work() -> None:
    before = cpu.read({"me": os.getpid()})
    sum(number * number for number in range(2_000_000))
    after = cpu.read({"me": os.getpid()})
    assert 0 < cpu.spent(before, after)["by_process"]["me"] <= (after.at - before.at) + 2 * cpu.TICK_S
