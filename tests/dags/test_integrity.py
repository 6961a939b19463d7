"""Every DAG imports, is owned and documented, and imports little: that is what parsing costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.applied import write_applied
from headrace.contracts.codec import encode_contract
from headrace.contracts.index import contracts_folder, load_index
from headrace.systems.schedules import CONTINUOUS

ROOT = Path(__file__).parents[2]
DAGS = sorted((ROOT / "dags").glob("*.py"))
NAMES = [file.stem for file in DAGS]
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
# Each file is parsed in a process of its own, forked when Airflow itself was imported: as the DAG processor does.
PROBE = """
import json, os, runpy, sys
from airflow.sdk import DAG, BaseOperator
def parse(file):
    before = set(sys.modules)
    space = runpy.run_path(file)
    dags = {v.dag_id: v for v in space.values() if isinstance(v, DAG)}
    return {"file": file, "modules": sorted(set(sys.modules) - before), "dags": {
        name: {"doc": dag.doc_md or "", "tags": sorted(dag.tags), "tasks": {
            task.task_id: {"owner": task.owner,
            "callbacks": [c.__name__ for c in (*task.on_failure_callback, *task.on_success_callback)], "upstream": sorted(task.upstream_task_ids)} for task in dag.tasks}}
        for name, dag in dags.items()}}
for file in sys.argv[1:]:
    child = os.fork()
    if not child:
        print("PROBE" + json.dumps(parse(file)), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, file
"""
# A heavy library has hundreds, and costs 0.5 to 2 CPU-seconds in every parse; `./headrace bench dag_parse` measures these.
MOST_MODULES = 100
EMPTY = "from airflow.sdk import DAG\nwith DAG('empty'):\n    pass\n"


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a fresh process finds in each DAG file and in an empty one."""
    home = tmp_path_factory.mktemp("airflow")
    empty = home / "empty.py"
    empty.write_text(EMPTY)
    contracts = load_index(contracts_folder(ROOT), home / "index.json")
    write_applied(home / "applied.json", {name: encode_contract(contract) for name, contract in contracts.items()})
    environ = os.environ | {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "HEADRACE_INDEX": str(home / "index.json"),
        "HEADRACE_APPLIED": str(home / "applied.json"),
    }
    files = [str(file) for file in (empty, *DAGS)]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *files], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.removeprefix("PROBE") for line in done.stdout.splitlines() if line.startswith("PROBE")]
    return {Path(one["file"]).stem: one for one in map(json.loads, lines)}


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_is_owned_documented_and_light(parsed: dict[str, dict[str, Any]], name: str) -> None:
    found = parsed[name]
    assert found["dags"], "no DAG in the file"
    for dag_id, dag in found["dags"].items():
        assert "**When it fails**" in dag["doc"], f"{dag_id} does not say what to do when it fails"
        assert dag["tags"], f"{dag_id} has no tag"
        for task, facts in dag["tasks"].items():
            assert facts["owner"] not in ("", "airflow"), f"{dag_id}.{task} has no owner"
            assert facts["callbacks"] == ["raise_on_failure", "resolve_on_success"], (
                f"{dag_id}.{task} fails unheard: add **ALERTING"
            )
    heavy = [module for module in HEAVY if module in found["modules"]]
    assert not heavy, f"importing {name}.py also imports {heavy}: import them inside the task"


@pytest.mark.parametrize("name", NAMES)
def test_parsing_a_dag_imports_little_more_than_an_empty_one(parsed: dict[str, dict[str, Any]], name: str) -> None:
    more = sorted(set(parsed[name]["modules"]) - set(parsed["empty"]["modules"]))
    assert len(more) <= MOST_MODULES, f"{name}.py imports {len(more)} modules more than an empty DAG: {more}"


def test_a_dag_that_runs_all_the_time_has_a_second_run() -> None:
    """Airflow refuses a second run with the logical date of the first."""
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.simple import ContinuousTimetable

    timetable = ContinuousTimetable()
    allowed = TimeRestriction(earliest=CONTINUOUS["start_date"], latest=None, catchup=CONTINUOUS["catchup"])
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=allowed)
    assert first
    second = timetable.next_dagrun_info(last_automated_data_interval=first.data_interval, restriction=allowed)
    assert second
    assert first.logical_date != second.logical_date


@pytest.mark.parametrize("name", NAMES)
def test_standing_dags_are_scheduled_in_one_way(name: str) -> None:
    assert '"@continuous"' not in (ROOT / "dags" / f"{name}.py").read_text(), "write **CONTINUOUS: see its docstring"
