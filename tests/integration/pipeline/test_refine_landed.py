"""Refinement starts by itself when something has landed in raw: nobody triggers anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Stack

DAG = "refine_retail_campaign_descriptions"
DATASET = "retail.campaign_descriptions"
TABLE = "retail_campaign_descriptions"
WITHIN_S = 280


@pytest.fixture(autouse=True, scope="module")
def switched_on(stack: Stack) -> Iterator[None]:
    stack.airflow.pause(DAG, False)
    (stack.settings.root / "dags" / "refine.py").touch()  # Airflow watches an asset from its next reading of the file
    yield
    stack.airflow.pause(DAG, True)


def cleaned(stack: Stack) -> dict[int, str]:
    table = stack.systems.lake.catalog.load_table(f"cleaned.{TABLE}")
    return {row["campaign_id"]: row["campaign_type"] for row in table.scan().to_arrow().to_pylist()}


def waiting(stack: Stack) -> tuple[int | None, Any]:
    """Changes in raw, and those that were there when all of it was refined last."""
    with psycopg.connect(stack.superuser_dsn("headrace")) as connection:
        query = "SELECT raw_records FROM refinements WHERE dataset = %s AND raw_records IS NOT NULL ORDER BY id DESC"
        row = connection.execute(query, [DATASET]).fetchone()
    return stack.systems.lake.records(f"raw.{TABLE}"), row[0] if row else None


@pytest.mark.timeout(900)
def test_a_change_reaches_cleaned_and_then_nothing_runs(
    stack: Stack, oltp: Any, eventually: Callable[..., Any], new_id: Callable[[], int]
) -> None:
    source = dict(oltp.execute("SELECT campaign_id, campaign_type FROM retail.campaign_descriptions").fetchall())
    eventually(lambda: cleaned(stack), source, WITHIN_S)
    campaign = new_id() % 10_000_000
    insert = """
        INSERT INTO retail.campaign_descriptions (campaign_id, campaign_type, start_date, end_date)
        SELECT %s, campaign_type, start_date, end_date FROM retail.campaign_descriptions LIMIT 1
        RETURNING campaign_type"""
    kind = oltp.execute(insert, [campaign]).fetchone()[0]
    eventually(lambda: cleaned(stack).get(campaign), kind, WITHIN_S)
    eventually(lambda: len(set(waiting(stack))), 1, WITHIN_S)
    runs = stack.airflow.runs(DAG)
    assert {run["run_type"] for run in runs} == {"asset_triggered", "scheduled"}
    assert sum(run["run_type"] == "asset_triggered" for run in runs) <= 3
    assert all(run["data_interval_start"] for run in runs if run["run_type"] == "scheduled")
