"""Alerts from Airflow to a person, on the live stack: raised, notified, resolved, notified."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import Stack

INSERT = """
    INSERT INTO retail.transactions (basket_id, product_id, household_id, store_id, quantity, sales_value,
                                     retail_discount, coupon_discount, coupon_match_discount, week, checked_out_at)
    VALUES (%s, 25671, NULL, 330, 1, 1.00, 0, 0, 0, 12, '2017-03-20 10:15:30+00')"""


def test_an_alert_and_its_end_are_notified(stack: Stack, notification: Callable[..., str]) -> None:
    platform = stack.systems.platform
    key = f"test:{time.time_ns()}"
    rows = [{"basket_id": 7, "week": 54}]
    platform.raise_alert(key, "error", "weeks are wrong", "retail.transactions", details=rows, link="http://af/run")
    text = notification(key)
    for part in ("weeks are wrong", "retail.transactions", "owner till", "basket_id=7, week=54", "http://af/run"):
        assert part in text
    platform.resolve_alert(key)
    notification("OVER: weeks are wrong", key)


def test_a_failed_dag_is_notified_with_its_run_and_its_next_success_ends_it(
    stack: Stack, notification: Callable[..., str]
) -> None:
    airflow = stack.airflow
    run = airflow.trigger("apply_contracts", {"datasets": ["retail.nothing"]})
    text = notification("ERROR: task apply", "dag:apply_contracts:apply")
    assert "retail.nothing" in text
    assert "owner platform" in text
    assert f"/dags/apply_contracts/runs/{quote(run)}/tasks/apply" in text
    again = airflow.trigger("apply_contracts", {"plan_only": True})
    airflow.wait_for_run("apply_contracts", again, 120, lambda line: None)
    notification("OVER: task apply", "dag:apply_contracts:apply")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_late_data_is_notified_until_it_is_in_time_again(
    stack: Stack, oltp: Any, eventually: Callable[..., Any], new_id: Callable[[], int], notification: Callable[..., str]
) -> None:
    """The driver stands still while a row is written, for less time than would have it launched again."""
    pid = stack.pid("stream-retail")
    basket, key = new_id(), "late:retail.transactions"
    os.kill(pid, signal.SIGSTOP)
    try:
        oltp.execute(INSERT, [basket])
        eventually(lambda: key in [alert.key for alert in stack.systems.platform.open_alerts()], True, 90)
    finally:
        os.kill(pid, signal.SIGCONT)
    notification("WARNING: retail.transactions is late", key)
    eventually(lambda: key in [alert.key for alert in stack.systems.platform.open_alerts()], False, 200)
    notification("OVER: retail.transactions is late", key)
    oltp.execute("DELETE FROM retail.transactions WHERE basket_id = %s", [basket])
