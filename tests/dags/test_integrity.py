"""Every DAG imports, is owned and documented, and costs little to parse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DAGS = sorted((ROOT / "dags").glob("*.py"))
HEAVY = (
    "pandas",
    "pyspark",
    "pyiceberg",
    "polars",
    "pyarrow",
    "great_expectations",
    "clickhouse_connect",
    "yaml",
    "pydantic_core._missing",
)
PROBE = """
import json, runpy, sys, time
from airflow.sdk import DAG, BaseOperator
before, began = set(sys.modules), time.process_time()
space = runpy.run_path(sys.argv[1])
spent = time.process_time() - began
dags = {v.dag_id: v for v in space.values() if isinstance(v, DAG)}
print("PROBE" + json.dumps({"spent": spent, "modules": sorted(set(sys.modules) - before), "dags": {
    name: {"doc": dag.doc_md or "", "tags": sorted(dag.tags), "tasks": {
        task.task_id: {"owner": task.owner, "upstream": sorted(task.upstream_task_ids)} for task in dag.tasks}}
    for name, dag in dags.items()}}))
"""
EMPTY = "from airflow.sdk import DAG\nwith DAG('empty'):\n    pass\n"


def probe(file: Path, tmp_path: Path) -> dict[str, Any]:
    """What a fresh interpreter finds in a DAG file, after Airflow itself was imported."""
    environ = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "HEADRACE_INDEX": str(tmp_path / "index.json"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(file)], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("PROBE"))
    found: dict[str, Any] = json.loads(line.removeprefix("PROBE"))
    return found


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_a_dag_is_owned_documented_and_light(file: Path, tmp_path: Path) -> None:
    found = probe(file, tmp_path)
    assert found["dags"], "no DAG in the file"
    for name, dag in found["dags"].items():
        assert "**When it fails**" in dag["doc"], f"{name} does not say what to do when it fails"
        assert dag["tags"], f"{name} has no tag"
        for task, facts in dag["tasks"].items():
            assert facts["owner"] not in ("", "airflow"), f"{name}.{task} has no owner"
    heavy = [module for module in HEAVY if module in found["modules"]]
    assert not heavy, f"importing {file.name} also imports {heavy}: import them inside the task"


def test_parsing_the_dags_costs_little_more_than_an_empty_one(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text(EMPTY)
    floor = probe(empty, tmp_path)["spent"]
    for file in DAGS:
        probe(file, tmp_path)  # once to build the index
        spent = min(probe(file, tmp_path)["spent"] for _ in range(2))
        # The Spark and Kafka providers' operators alone cost about half a CPU-second to import; a heavy library costs more.
        assert spent < floor + 1.6, f"{file.name}: {spent:.2f} CPU-s, an empty DAG {floor:.2f}"
