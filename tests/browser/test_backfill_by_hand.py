"""Days that do not touch are refined from Airflow's pages alone, as a person does it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page

from tests.conftest import Stack
from tests.support.live_shop import wait_until

DAG = "refine_retail_transactions"
LINES = """
    SELECT date(checked_out_at AT TIME ZONE 'UTC') AS day, count(*) FROM retail.transactions
     GROUP BY day ORDER BY day LIMIT 6"""


@pytest.fixture
def days(stack: Stack) -> dict[date, int]:
    """The second, the fourth and the sixth day on which the shop sold anything, and how many lines."""
    with psycopg.connect(stack.oltp_dsn) as connection:
        return dict(connection.execute(LINES).fetchall()[1::2])


@pytest.fixture(autouse=True)
def off_again(stack: Stack) -> Iterator[None]:
    yield
    stack.airflow.pause(DAG, True)


def cleaned(stack: Stack) -> list[date]:
    """The day of every line."""
    found = stack.systems.lake.catalog.load_table("cleaned.retail_transactions").scan(
        selected_fields=("checked_out_at",)
    )
    return [at.astimezone(UTC).date() for at in found.to_arrow()["checked_out_at"].to_pylist()]


@pytest.mark.timeout(400)
def test_days_are_refined_from_the_pages_alone(stack: Stack, page: Page, days: dict[date, int]) -> None:
    def by_hand() -> dict[str, Any]:
        return {run["dag_run_id"]: run for run in stack.airflow.runs(DAG, run_type="manual")}

    before = by_hand()
    page.goto(f"/dags/{DAG}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog").filter(has_text=f"Trigger Dag - {DAG}")
    form.get_by_placeholder("Enter each string on a new line").fill("\n".join(map(str, days)))
    form.get_by_role("button", name="Trigger").click()

    wait_until(lambda: len(by_hand()) > len(before), 60, "the page has ordered no run")
    (run,) = (each for name, each in by_hand().items() if name not in before)
    assert run["conf"]["days"] == [str(day) for day in days]
    stack.airflow.wait_for_run(DAG, run["dag_run_id"], 240, lambda line: None)
    found = cleaned(stack)
    assert {day: found.count(day) for day in days} == days

    page.goto(f"/dags/{DAG}/runs/{run['dag_run_id']}/tasks/refine")
    page.get_by_text("refining retail.transactions for").first.wait_for()
