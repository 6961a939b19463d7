"""kill -9 of each process while the shop writes: what was committed is served and landed, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.faults

PROCESSES = ("kafka", "connect", "stream-retail", "clickhouse", "registry", "seaweedfs", "airflow-scheduler")
BACK_WITHIN_S = {"stream-retail": 60, "kafka": 90, "connect": 120, "airflow-scheduler": 120}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(
    process: str, trading: Any, kill: Callable[[str], int], comes_back: Callable[..., float], oracle: Callable[[], Any]
) -> None:
    with trading(PROCESSES.index(process) + 1) as shop:
        shop.wait_for_commits(20)
        old = kill(process)
        comes_back(process, old, BACK_WITHIN_S.get(process, 60))
        shop.wait_for_commits(20)
    judged = oracle()
    assert judged.equal, str(judged)


@pytest.mark.timeout(600)
def test_the_stream_is_adopted_when_the_scheduler_dies_never_started_twice(
    stack: Any, kill: Callable[[str], int], comes_back: Callable[..., float], ask_platform: Callable[..., Any]
) -> None:
    def driver() -> int:
        return next(state.pid for state in stack.supervisor.states() if state.name == "stream-retail")

    before, launches = driver(), ask_platform("SELECT launches FROM streams WHERE stream_group = 'retail'")
    comes_back("airflow-scheduler", kill("airflow-scheduler"), 120)
    comes_back("airflow-triggerer", kill("airflow-triggerer"), 120)
    assert driver() == before
    assert ask_platform("SELECT launches FROM streams WHERE stream_group = 'retail'") == launches
    # A dead scheduler's workers must not hold its locks: Airflow goes on scheduling.
    stack.airflow.pause("apply_contracts", paused=False)
    run = stack.airflow.trigger("apply_contracts", {"plan_only": True})
    stack.airflow.wait_for_run("apply_contracts", run, 240, lambda line: None)
