"""A real Airflow run: our assets are in its events, and the operator declares the contracts' lineage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.systems.spark.lineage import transport_environ
from tests.integration.lineage.conftest import KEY, ROOT, RunningEndpoint

pytestmark = [pytest.mark.stack, pytest.mark.slow]

DAG = """
from airflow.sdk import DAG, Asset, task
from headrace.services.lineage.operators import EmitDeclaredLineageOperator

with DAG("lineage_probe", schedule=None):
    @task(
        inlets=[
            Asset(uri="iceberg://lake-{space}/raw/t", extra={{"location": "s3://warehouse-{space}/raw/t"}}),
            Asset(uri="iceberg://lake-{space}/cleaned/t"),
            Asset(uri="kafka://kafka-{space}:9092/oltp.retail.t"),
        ],
        outlets=[
            Asset(uri="clickhouse://clickhouse-{space}:8123/retail/t"),
            Asset(uri="s3://exports-{space}/t.parquet"),
        ],
    )
    def load():
        pass

    emit = EmitDeclaredLineageOperator(task_id="emit", contracts="{schemas}", catalog="lake-{space}")
    load() >> emit
"""


def connections(endpoint: RunningEndpoint, space: str) -> dict[str, dict[str, object]]:
    return {
        "kafka": {"conn_type": "kafka", "extra": {"bootstrap.servers": f"kafka-{space}:9092"}},
        "kafka_connect": {"conn_type": "http", "host": f"connect-{space}", "port": 8083},
        "clickhouse": {"conn_type": "generic", "host": f"clickhouse-{space}", "port": 8123},
        "landing": {"conn_type": "generic", "extra": {"bucket": f"landing-{space}"}},
        "lake": {"conn_type": "iceberg", "extra": {"warehouse": f"s3://warehouse-{space}"}},
        "oltp": {
            "conn_type": "postgres",
            "host": f"postgres-{space}",
            "port": 5432,
            "schema": "oltp",
        },
        "lineage": {
            "conn_type": "http",
            "host": "127.0.0.1",
            "port": endpoint.port,
            "password": KEY,
        },
    }


def test_assets_and_declared_lineage_reach_the_endpoint(endpoint: RunningEndpoint, tmp_path: Path, space: str) -> None:
    (tmp_path / "dags").mkdir()
    schemas = ROOT / "include" / "schemas"
    (tmp_path / "dags" / "probe.py").write_text(DAG.format(space=space, schemas=schemas))
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "OPENLINEAGE"))}
    environ = mine | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENLINEAGE__NAMESPACE": space,
        "HEADRACE_INDEX": str(tmp_path / "index.json"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins"), mine.get("PYTHONPATH", "")]),
        **transport_environ(endpoint.url, KEY),
        **{
            f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(connection)
            for name, connection in connections(endpoint, space).items()
        },
    }
    for command in (["db", "migrate"], ["dags", "test", "lineage_probe"]):
        done = subprocess.run(
            [str(Path(sys.executable).parent / "airflow"), *command],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert KEY not in done.stdout + done.stderr

    loaded = f"clickhouse://clickhouse-{space}:8123:retail.t"
    up = endpoint.hook.graph(loaded, "up")
    assert up is not None
    assert {(n["namespace"], n["name"]) for n in up["nodes"]} == {
        (f"clickhouse://clickhouse-{space}:8123", "retail.t"),
        (f"s3://warehouse-{space}", "raw/t"),
        (f"iceberg://lake-{space}", "cleaned.t"),
        (f"kafka://kafka-{space}:9092", "oltp.retail.t"),
    }
    assert {e["job_name"] for e in up["edges"]} == {"lineage_probe.load"}
    by_catalog_name = endpoint.hook.graph(f"iceberg://lake-{space}:raw.t")
    assert by_catalog_name is not None
    assert {n["name"] for n in by_catalog_name["nodes"]} == {"raw/t", "retail.t", "t.parquet"}

    declared = endpoint.hook.path(
        f"postgres://postgres-{space}:5432:oltp.retail.transactions",
        f"clickhouse://clickhouse-{space}:8123:retail.transactions",
        columns=("sales_value", "sales_value"),
    )
    assert declared is not None
    assert [edge["job_name"] for edge in declared] == [
        "cdc-oltp.oltp.retail.transactions",
        "stream.retail.cdc.retail.transactions",
        "retail.transactions",
    ]
