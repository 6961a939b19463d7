"""Checks of what is served, by Airflow, on the live stack: a broken rule is seen, kept, told, and recovers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException

from headrace.planning.lineage import AIRFLOW
from headrace.planning.lineage_events import run_id
from headrace.services.quality.operators import CheckServedOperator
from include.stack.airflow_api import AirflowRefused
from tests.conftest import Stack

DAG = "check_served"
RULE = "department_missingValues"
KEY = f"served:retail.products:{RULE}"


@pytest.fixture(autouse=True, scope="module")
def switched_on(stack: Stack) -> Iterator[None]:
    stack.airflow.pause(DAG, False)
    yield
    stack.airflow.pause(DAG, True)


def checked(stack: Stack, *datasets: str) -> str:
    """A run to its end; its id."""
    run = stack.airflow.trigger(DAG, {"datasets": list(datasets)})
    stack.airflow.wait_for_run(DAG, run, 240, lambda line: None)
    return run


def open_keys(stack: Stack) -> list[str]:
    return [alert.key for alert in stack.systems.platform.open_alerts()]


@pytest.mark.timeout(900)
def test_a_broken_rule_is_recorded_with_its_rows_and_alerted_until_it_holds(
    stack: Stack, oltp: Any, warehouse: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    checked(stack, "retail.products")
    assert KEY not in open_keys(stack)
    product, department = oltp.execute(
        "SELECT product_id, department FROM retail.products ORDER BY 1 LIMIT 1"
    ).fetchone()
    served = "SELECT department FROM retail.products WHERE product_id = {id:Int64}"
    try:
        oltp.execute("UPDATE retail.products SET department = '' WHERE product_id = %s", [product])
        eventually(lambda: warehouse(served, id=product), [("",)])
        with pytest.raises(AirflowRefused, match=f"broken as served: retail.products: {RULE}: 1 rows break it"):
            checked(stack, "retail.products", "retail.campaigns")
        (alert,) = (a for a in stack.systems.platform.open_alerts() if a.key == KEY)
        assert (alert.severity, alert.dataset) == ("error", "retail.products")
        latest = "SELECT passed, unexpected, examples FROM quality.latest WHERE dataset = 'retail.products' AND zone = 'served' AND rule = {r:String}"
        ((passed, unexpected, examples),) = warehouse(latest, r=RULE)
        assert (passed, unexpected) == (False, 1)
        assert examples == [f'{{"product_id": {product}, "department": ""}}']
        # all were asked before it failed
        query = "SELECT count() FROM quality.latest WHERE dataset = 'retail.campaigns' AND zone = 'served'"
        assert warehouse(query)[0][0] > 3
        page = (stack.settings.home / "quality" / "retail.products.html").read_text()
        assert f"{product}, &#34;department&#34;: &#34;&#34;" in page
    finally:
        oltp.execute("UPDATE retail.products SET department = %s WHERE product_id = %s", [department, product])
    eventually(lambda: warehouse(served, id=product), [(department,)])
    run = checked(stack, "retail.products", "retail.coupon_redemptions")
    assert KEY not in open_keys(stack)
    history = "SELECT groupArray(passed) FROM (SELECT passed FROM quality.results FINAL WHERE dataset = 'retail.products' AND zone = 'served' AND rule = {r:String} ORDER BY at)"
    assert warehouse(history, r=RULE)[0][0][-3:] == [True, False, True]
    _assertions_reach_the_lineage_endpoint(stack, run, eventually)


def _assertions_reach_the_lineage_endpoint(stack: Stack, run: str, eventually: Callable[..., Any]) -> None:
    query = """
        SELECT payload -> 'inputs' FROM lineage.events
         WHERE event_type = 'COMPLETE' AND payload #>> '{job,name}' = %s AND run_id = %s"""
    name = f"clickhouse://{stack.settings.bind}:{stack.settings.port('CLICKHOUSE')}"

    def reported_inputs(dataset: str) -> Any:
        job = f"check.{dataset}"
        with psycopg.connect(stack.superuser_dsn("headrace")) as connection:
            row = connection.execute(query, [job, run_id(AIRFLOW, job, f"check_served {run}")]).fetchone()
        return row and row[0]

    for each in ("retail.products", "retail.coupon_redemptions"):
        eventually(lambda each=each: bool(reported_inputs(each)), True)
    (dataset,) = reported_inputs("retail.coupon_redemptions")
    assert (dataset["namespace"], dataset["name"]) == (name, "retail.coupon_redemptions")
    found = {a["name"]: a for a in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert found["household_had_the_campaign"]["assertion"] == "reference"
    assert found["key_unique"]["success"] is True


@pytest.mark.usefixtures("operators")
def test_a_dataset_that_is_not_served_is_named(stack: Stack) -> None:
    check = CheckServedOperator(task_id="check", schemas=str(stack.settings.contracts), datasets=["retail.nothing"])
    with pytest.raises(AirflowFailException, match=r"retail\.nothing: ClickHouse serves no such dataset"):
        check.execute({"run_id": "by hand"})  # type: ignore[arg-type]
