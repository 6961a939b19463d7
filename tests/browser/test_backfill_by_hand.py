"""Days that do not touch are refined from Airflow's pages alone, as a person does it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date

import psycopg
import pytest

from tests.conftest import Stack
from tests.support.airflow_pages import Pages

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
def test_days_are_refined_from_the_pages_alone(stack: Stack, pages: Pages, days: dict[date, int]) -> None:
    run = pages.order(DAG, days=list(map(str, days)))
    (conf,) = [each["conf"] for each in stack.airflow.runs(DAG, run_type="manual") if each["dag_run_id"] == run]
    assert conf["days"] == [str(day) for day in days]
    stack.airflow.wait_for_run(DAG, run, 240, lambda line: None)
    found = cleaned(stack)
    assert {day: found.count(day) for day in days} == days
    pages.read(f"/dags/{DAG}/runs/{run}/tasks/refine", "refining retail.transactions for")
