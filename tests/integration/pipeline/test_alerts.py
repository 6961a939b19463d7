"""Alerts from Airflow to a person, on the live stack: raised, told, resolved, told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Stack
from tests.support.alerts import Mailbox, Webhook

INSERT = "INSERT INTO retail.campaign_descriptions VALUES (%s, 'Type A', '2017-01-01', '2017-02-01')"


@pytest.fixture
def told(stack: Stack, eventually: Callable[..., Any]) -> Iterator[Callable[[str, str], str]]:
    """`told(words, kind)`: the message with these words that both receivers got; fails when one of them does not."""
    with Mailbox() as mail, Webhook() as hook:
        routes = [{"name": f"{name}-{time.time_ns()}", "url": place.url} for name, place in (("m", mail), ("h", hook))]
        before = stack.airflow.set_connection_extra("alerts_default", {"routes": routes})

        def wait(words: str, mood: str) -> str:
            def found() -> bool:
                mails = [str(m["Subject"]) + m.get_content() for m in mail.messages]
                return any(words in text for text in mails) and bool(matching())

            def matching() -> list[str]:
                return [m["message"] for m in hook.messages if m["type"] == mood and words in m["message"]]

            eventually(found, True, 120)
            return matching()[-1]

        yield wait
        stack.airflow.set_connection_extra("alerts_default", before)


def test_an_alert_is_told_and_so_is_its_end(stack: Stack, told: Callable[[str, str], str]) -> None:
    platform = stack.systems.platform
    key = f"test:{time.time_ns()}"
    rows = [{"basket_id": 7, "week": 54}]
    platform.raise_alert(key, "error", "weeks are wrong", "retail.transactions", details=rows, link="http://af/run")
    text = told(key, "failure")
    for part in ("weeks are wrong", "retail.transactions", "owner till", "basket_id=7, week=54", "http://af/run"):
        assert part in text
    platform.resolve_alert(key)
    assert "OVER: weeks are wrong" in told(
        f"OVER: weeks are wrong\nretail.transactions · owner till · {key}", "success"
    )


def test_a_failed_dag_is_told_with_its_run_and_its_next_success_ends_it(
    stack: Stack, told: Callable[[str, str], str]
) -> None:
    airflow = stack.airflow
    run = airflow.trigger("apply_contracts", {"datasets": ["retail.nothing"]})
    text = told("dag:apply_contracts:apply", "failure")
    assert "retail.nothing" in text
    assert "owner platform" in text
    assert f"/dags/apply_contracts/runs/{run}/tasks/apply" in text
    again = airflow.trigger("apply_contracts", {"plan_only": True})
    airflow.wait_for_run("apply_contracts", again, 120, lambda line: None)
    assert "OVER" in told("dag:apply_contracts:apply", "success")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_late_data_is_told_until_it_is_in_time_again(
    stack: Stack, oltp: Any, eventually: Callable[..., Any], new_id: Callable[[], int], told: Callable[[str, str], str]
) -> None:
    """The driver stands still while a row is written, for less time than would have it launched again."""
    (pid,) = [state.pid for state in stack.supervisor.states() if state.name == "stream-retail"]
    campaign = 100_000 + new_id() % 1_000_000
    os.kill(pid, signal.SIGSTOP)
    try:
        oltp.execute(INSERT, [campaign])
        time.sleep(20)  # that is how late it becomes
    finally:
        os.kill(pid, signal.SIGCONT)
    key = "late:retail.campaign_descriptions"
    eventually(lambda: key in [alert.key for alert in stack.systems.platform.open_alerts()], True, 90)
    assert "owner" in told(key, "warning")
    eventually(lambda: key in [alert.key for alert in stack.systems.platform.open_alerts()], False, 200)
    told(key, "success")
    oltp.execute("DELETE FROM retail.campaign_descriptions WHERE campaign_id = %s", [campaign])
