"""The stored lineage of the live platform: an unbroken path, and every kind of emitter."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from headrace.systems.lineage.operators import EmitDeclaredLineageOperator


@pytest.fixture
def lineage(stack: Any, operators: None) -> httpx.Client:
    """The OpenLineage endpoint, with its key, after the contracts' lineage was declared (other tests withdraw it)."""
    metrics = stack.settings.root / "include" / "sql" / "metrics" / "lineage.json"
    declare = EmitDeclaredLineageOperator(
        task_id="declare_lineage", contracts=str(stack.settings.contracts), metrics=str(metrics)
    )
    declare.execute({})
    place = stack.endpoint("lineage_default")
    return httpx.Client(base_url=place.url, headers={"Authorization": f"Bearer {place.password}"}, timeout=30)


def test_the_endpoint_asks_for_its_key(stack: Any) -> None:
    place = stack.endpoint("lineage_default")
    assert httpx.get(f"{place.url}/api/v1/jobs", timeout=10).status_code == 401


def test_an_unbroken_path_leads_from_the_shops_table_to_the_metric(stack: Any, lineage: httpx.Client) -> None:
    source = f"postgres://{stack.settings.bind}:{stack.settings.port('POSTGRES')}:oltp.retail.transactions"
    warehouse = f"clickhouse://{stack.settings.bind}:{stack.settings.port('CLICKHOUSE')}"
    target = f"{warehouse}:metrics.sales_by_minute_store"
    answer = lineage.get("/api/v1/lineage/path", params={"from": source, "to": target})
    assert answer.status_code == 200, answer.text
    path = answer.text
    for hop in ("cdc-oltp.oltp.retail.transactions", "stream.retail.metrics.sales_by_minute_store_parts"):
        assert hop in path


def test_airflow_and_spark_report_their_own_runs(stack: Any, lineage: httpx.Client) -> None:
    stack.airflow.pause("prove_raw", paused=False)
    run = stack.airflow.trigger("prove_raw", {"datasets": ["retail.products"]})
    stack.airflow.wait_for_run("prove_raw", run, 240, lambda line: None)
    raw = "iceberg://lake:raw.retail_products"
    graph = lineage.get("/api/v1/lineage/graph", params={"dataset": raw, "direction": "down", "depth": 3}).text
    assert "raw_proofs" in graph
    jobs = lineage.get("/api/v1/jobs").text
    assert "apply_contracts.apply" in jobs
    assert "prove_raw" in jobs
