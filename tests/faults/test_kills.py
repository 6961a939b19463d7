"""kill -9 of each process while the shop writes: what was committed is served and landed, exactly once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headrace.planning.topics import sink_dead_letter_topic
from include.stack.sockets import STANDBY
from tests.conftest import Stack
from tests.support.trading_window import TradingWindow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

BACK_WITHIN_S = {
    "kafka": 90,
    "connect": 120,
    "stream-retail": 60,
    "clickhouse": 60,
    "registry": 60,
    "seaweedfs": 60,
}
"""Process → seconds within which a new one must be healthy."""


@pytest.mark.parametrize("pair", [("kafka", "registry"), ("clickhouse", "seaweedfs"), ("connect", "stream-retail")])
def test_killed_processes_come_back_and_changes_flow_again(
    pair: tuple[str, str], window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float]
) -> None:
    """Two die at once. That nothing was lost or doubled is compared when the window settles."""
    window.trade()
    together = {process: kill(process) for process in pair}
    for process, pid in together.items():
        comes_back(process, pid, BACK_WITHIN_S[process])
    window.flows()


def test_a_stream_is_adopted_when_the_scheduler_and_the_triggerer_die_never_started_twice(
    stack: Stack, window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float],
    platform_rows: Callable[..., list[tuple[object, ...]]],
) -> None:  # fmt: skip
    def driver() -> int:
        return stack.pid("stream-retail")

    window.trade()
    before, launches = driver(), platform_rows("SELECT launches FROM streams WHERE stream_group = 'retail'")
    comes_back("airflow-scheduler", kill("airflow-scheduler"), 120)
    comes_back("airflow-triggerer", kill("airflow-triggerer"), 120)
    assert driver() == before
    assert platform_rows("SELECT launches FROM streams WHERE stream_group = 'retail'") == launches
    # A dead scheduler's workers must not hold its locks: Airflow goes on scheduling.
    stack.airflow.pause("steer_connectors", paused=False)
    run = stack.airflow.trigger("steer_connectors", {"connector": "lake-retail", "action": "resume"})
    stack.airflow.wait_for_run("steer_connectors", run, 240, lambda line: None)
    window.flows()


@pytest.mark.long
def test_a_sink_that_starts_before_the_registry_waits_for_it(
    stack: Stack, window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float]
) -> None:
    """No good record becomes a dead letter, also not where the sink is stopped while it waits."""
    dead_letters = sink_dead_letter_topic("retail")
    before = stack.systems.kafka.end_offsets(dead_letters)
    window.trade()
    pid = kill("registry")
    for _ in range(2):
        stack.systems.connect.restart("lake-retail", only_failed=False)
    comes_back("registry", pid, BACK_WITHIN_S["registry"])
    window.flows()
    assert stack.systems.kafka.end_offsets(dead_letters) == before


def test_postgresql_dies_under_the_source_the_registry_the_platform_and_airflow(
    window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float]
) -> None:
    """The shop, the source connector and Airflow's processes all lose their database at once."""
    window.trade()
    comes_back("postgres", kill("postgres"), 90)
    window.flows()
    for process in (
        "registry",
        "lineage",
        "airflow-api",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
    ):
        comes_back(process, 0, 180)


@pytest.mark.long
def test_the_api_server_the_dag_processor_lineage_and_the_batch_driver_die_at_once(
    stack: Stack, window: TradingWindow, kill: Callable[[str], int], comes_back: Callable[..., float]
) -> None:
    """None of them is on the way of the data; afterwards a task of Airflow runs to its end."""
    window.trade()
    together = {name: kill(name) for name in ("airflow-api", "airflow-dag-processor", "lineage", STANDBY)}
    for process, pid in together.items():
        comes_back(process, pid, 120)
    stack.airflow.pause("steer_connectors", paused=False)
    run = stack.airflow.trigger("steer_connectors", {"connector": "lake-retail", "action": "resume"})
    stack.airflow.wait_for_run("steer_connectors", run, 240, lambda line: None)
    window.flows()


@pytest.mark.long
def test_hung_processes_are_killed_and_restarted_and_raise_alerts(
    stack: Stack, window: TradingWindow, freeze: Callable[[str], int], comes_back: Callable[..., float],
    platform_rows: Callable[..., list[tuple[object, ...]]],
) -> None:  # fmt: skip
    window.trade()
    began = platform_rows("SELECT now()")[0][0]
    together = {name: freeze(name) for name in ("clickhouse", STANDBY)}
    for process, pid in together.items():
        comes_back(process, pid, 4 * float(stack.settings["HEADRACE_HANG_S"]))
    window.flows()
    query = "SELECT key FROM alerts WHERE first_seen > %s AND key LIKE 'process:%%' ORDER BY key"
    keys = [key for (key,) in platform_rows(query, began)]
    assert keys == ["process:clickhouse", f"process:{STANDBY}"], "and no other process was taken for hung"
