"""Maintenance on the live stack: what is due is looked after, once a day, by Airflow; what is asked for, now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from headrace.contracts.index import load_index
from headrace.planning.maintenance import policies
from headrace.services.maintenance.operators import DueTablesOperator
from tests.conftest import Stack

DAG = "lake_maintenance"
TABLE = "raw.retail_campaign_descriptions"


@pytest.fixture(scope="module")
def platform(stack: Stack) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.superuser_dsn("headrace"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module", autouse=True)
def switched_on(stack: Stack, platform: psycopg.Connection) -> Iterator[None]:
    """All tables have had their turn today, so that only what a test is about is due."""
    insert = "INSERT INTO maintained (lake_table, report) VALUES (%s, '{}') ON CONFLICT (lake_table) DO UPDATE SET at = now()"
    for policy in policies(load_index(stack.settings.contracts).values()):
        platform.execute(insert, [policy["table"]])
    stack.airflow.pause(DAG, False)
    yield
    stack.airflow.pause(DAG, True)


def maintain(stack: Stack) -> list[dict[str, str]]:
    """Order a run and wait for it. Runs come one after the other, so one by the clock is over then, too.

    Returns:
        The states by task of each run.
    """
    stack.airflow.wait_for_run(DAG, stack.airflow.trigger(DAG), 280, lambda line: None)
    return [stack.airflow.task_states(DAG, run["dag_run_id"]) for run in stack.airflow.runs(DAG, state="success")]


def due(stack: Stack, *requested: str) -> list[str]:
    """The tables that the DAG's first task finds, when a run asks for these."""
    operator = DueTablesOperator(task_id="due", schemas=str(stack.settings.contracts))
    context: Any = {"params": {"tables": list(requested)}}
    return [policy["table"] for policy in operator.execute(context)]


def report(platform: psycopg.Connection) -> Any:
    row = platform.execute("SELECT report FROM maintained WHERE lake_table = %s", [TABLE]).fetchone()
    return row[0] if row else None


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("operators")
def test_a_table_is_due_once_a_day(stack: Stack, platform: psycopg.Connection) -> None:
    with pytest.raises(AirflowSkipException, match="every table was maintained today"):
        due(stack)
    platform.execute("UPDATE maintained SET report = '{}'")
    platform.execute("UPDATE maintained SET at = now() - interval '1 day' WHERE lake_table = %s", [TABLE])
    assert due(stack) == [TABLE]
    assert {"due": "success", "maintain": "success"} in maintain(stack)
    assert report(platform)["before"]["snapshots"] >= 1
    assert report(platform)["after"]["files"] >= 1
    assert platform.execute("SELECT count(*) FROM maintained WHERE report <> '{}'").fetchone() == (1,)
    with pytest.raises(AirflowSkipException, match="every table was maintained today"):
        due(stack)


@pytest.mark.usefixtures("operators")
def test_requested_tables_are_maintained_and_unknown_ones_are_refused_by_name(stack: Stack) -> None:
    """That a run's `tables` reach the operator is seen while faults happen: `lake_maintenance` is triggered with them."""
    assert due(stack, TABLE, "cleaned.retail_campaigns") == ["cleaned.retail_campaigns", TABLE]
    with pytest.raises(AirflowFailException, match=r"no contract has the table raw\.retail_nothing"):
        due(stack, "raw.retail_nothing")
