"""The exact lane under faults, while the shop writes: a killed Spark job, a store that dies, all at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from tests.conftest import Stack
from tests.faults.conftest import wait_until

pytestmark = pytest.mark.faults

REFINE, MART = "refine_retail_transactions", "mart_store_daily"
JOBS = {REFINE: "refine/job.py", MART: "marts/job.py"}


@pytest.fixture(autouse=True)
def switched_on(stack: Stack) -> Iterator[None]:
    for dag in JOBS:
        stack.airflow.pause(dag, False)
    yield
    for dag in JOBS:
        stack.airflow.pause(dag, True)


def driver(stack: Stack, job: str) -> psutil.Process | None:
    """The JVM of a batch job of this stack."""
    home = str(stack.settings.lib)
    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if process.info["name"] == "java" and job in command and home in command:
            return process
    return None


def working(process: psutil.Process | None) -> bool:
    """Whether the session is there and the job has begun."""
    try:
        return process is not None and process.cpu_times().user > 5
    except psutil.NoSuchProcess:
        return False


def finish(stack: Stack, dag: str, run: str, seconds: float = 420) -> None:
    stack.airflow.wait_for_run(dag, run, seconds, lambda line: None)


def lines_of(stack: Stack, zone: str = "cleaned") -> int:
    return int(stack.systems.lake.catalog.load_table(f"{zone}.retail_transactions").scan().count())


def source_lines(stack: Stack) -> int:
    (oltp,) = stack.systems.sources.values()
    return int(oltp.row_counts(["retail.transactions"])["retail.transactions"])


@pytest.mark.timeout(900)
def test_a_killed_refinement_is_done_again_and_agrees_with_the_source(
    stack: Stack, trading: Any, oracle: Callable[[], Any]
) -> None:
    with trading(31) as shop:
        shop.wait_for_commits(5)
        run = stack.airflow.trigger(REFINE, {"everything": True})
        wait_until(lambda: working(driver(stack, JOBS[REFINE])), 180, "no driver is at work")
        os.kill(driver(stack, JOBS[REFINE]).pid, signal.SIGKILL)  # type: ignore[union-attr]
        shop.wait_for_commits(5)
        finish(stack, REFINE, run)
    assert oracle().equal
    finish(stack, REFINE, stack.airflow.trigger(REFINE, {"everything": True}))
    assert lines_of(stack) == source_lines(stack)
    table = stack.systems.lake.catalog.load_table("history.retail_transactions")
    assert table.scan(row_filter="_is_current = true").count() == source_lines(stack)


@pytest.mark.timeout(900)
def test_a_mart_is_served_though_clickhouse_dies_between_the_lakes_commit_and_the_exchange(
    stack: Stack, trading: Any, kill: Callable[[str], int], oracle: Callable[[], Any]
) -> None:
    with trading(32) as shop:
        shop.wait_for_commits(5)
    assert oracle().equal
    finish(stack, REFINE, stack.airflow.trigger(REFINE, {"everything": True}))
    run = stack.airflow.trigger(MART)
    wait_until(lambda: stack.airflow.task_states(MART, run).get("build") == "success", 300, "the mart is not built")
    kill("clickhouse")
    finish(stack, MART, run)
    assert stack.systems.warehouse.rows("SELECT sum(lines) FROM marts.store_daily") == [(source_lines(stack),)]
    assert not stack.systems.warehouse.existing(["marts.store_daily__next"])


@pytest.mark.timeout(900)
def test_two_refinements_and_lake_care_at_once_end_where_one_does(
    stack: Stack, trading: Any, oracle: Callable[[], Any]
) -> None:
    stack.airflow.pause("lake_maintenance", False)
    with trading(33) as shop:
        shop.wait_for_commits(5)
        runs = [stack.airflow.trigger(REFINE, {"everything": True}) for _ in range(2)]
        care = stack.airflow.trigger("lake_maintenance")
        for run in runs:
            finish(stack, REFINE, run)
        finish(stack, "lake_maintenance", care)
    stack.airflow.pause("lake_maintenance", True)
    assert oracle().equal
    finish(stack, REFINE, stack.airflow.trigger(REFINE, {"everything": True}))
    assert lines_of(stack) == source_lines(stack)
