"""The stored lineage of the live platform: an unbroken path, and every kind of emitter."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from headrace.services.lineage.operators import EmitDeclaredLineageOperator
from headrace.systems.spark.batch import LakeJobOperator
from headrace.systems.spark.lineage import transport_environ
from include.stack.environment import shared


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


def test_the_endpoint_requires_its_key(stack: Any) -> None:
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


def test_airflow_reports_its_own_runs_and_each_dataset_its_own_sources(stack: Any, lineage: httpx.Client) -> None:
    stack.airflow.pause("prove_raw", paused=False)
    run = stack.airflow.trigger("prove_raw", {"datasets": ["retail.products", "retail.campaigns"]})
    stack.airflow.wait_for_run("prove_raw", run, 240, lambda line: None)
    with psycopg.connect(stack.platform_dsn) as platform:
        proven = platform.execute("SELECT name FROM raw_proofs WHERE changes = positions AND changes > 0").fetchall()
    assert {("raw.retail_products",), ("raw.retail_campaigns",)} <= set(proven)
    raw = "iceberg://lake:raw.retail_products"
    graph = lineage.get("/api/v1/lineage/graph", params={"dataset": raw, "direction": "up"}).json()
    assert {node["name"] for node in graph["nodes"]} == {"raw/retail_products", "oltp.retail.products"}
    jobs = lineage.get("/api/v1/jobs").text
    for job in ("apply_contracts.apply", "prove_raw.count_positions", "lake-retail.raw.retail_products"):
        assert job in jobs


@pytest.mark.long
def test_a_job_that_leaves_it_to_spark_is_reported_by_spark(
    stack: Any, operators: None, lineage: httpx.Client, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    """As a job of one's own does that says nothing else."""
    place, root = stack.endpoint("lineage_default"), stack.settings.root
    for name, value in (shared(stack.settings) | transport_environ(place.url, place.password)).items():
        monkeypatch.setenv(name, value)
    job = LakeJobOperator(
        task_id="probe",
        job="probe",
        application=str(root / "include" / "spark" / "batch" / "prove_raw.py"),
        application_args=["retail.campaign_descriptions"],
        jars_folder=str(stack.settings.lib / "spark"),
    )
    monkeypatch.setattr(
        "airflow.providers.openlineage.utils.spark.inject_parent_job_information_into_spark_properties",
        lambda conf, _: conf,
    )
    job.execute({})  # type: ignore[arg-type]
    raw = {"dataset": "iceberg://lake:raw.retail_campaign_descriptions", "direction": "down"}
    eventually(lambda: "raw_proofs" in lineage.get("/api/v1/lineage/graph", params=raw).text, True)
