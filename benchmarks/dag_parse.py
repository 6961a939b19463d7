"""DAG parsing: CPU-seconds to parse the DAG folder with 10, 100 and 1,000 contracts, beside a file with an empty DAG."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.context import Context, NotMeasured
from benchmarks.figure import Figure
from benchmarks.stats import ratio
from headrace.contracts.applied import write_applied
from headrace.contracts.codec import encode_contract
from headrace.contracts.index import load_index

REPETITIONS = 5
NEEDS_STACK = False
APPLIED: Final = "applied.json"
COUNTS: Final = (10, 100, 1_000)
GOALS: Final = {1_000: "≤ 2.5"}
EMPTY_DAG = """\
from airflow.sdk import DAG

with DAG("empty", schedule=None):
    pass
"""
METHOD = (
    "The project's DAG folder beside generated contracts of twelve fields each, fifty to a domain. A fresh process "
    "imports Airflow and forks for every file, as the DAG processor does; CPU-seconds of the forked processes, which "
    "import what the files need and parse them. All contracts are applied: DAG files read the index of applied contracts."
)
FIGURES = (
    Figure("parsing an empty DAG", "empty.cpu_s", "CPU-s"),
    *(
        Figure(f"parsing the DAGs of {n:,} contracts", f"contracts_{n}.cpu_s", "CPU-s", GOALS.get(n, ""))
        for n in COUNTS
    ),
    Figure("the same for 1,000 ÷ an empty DAG", "contracts_1000.ratio", "ratio"),
)


def run(context: Context) -> dict[str, Any]:
    """Each number of contracts once."""
    with tempfile.TemporaryDirectory(prefix="headrace-dags-") as folder:
        home = Path(folder)
        empty = _parse(context, _empty(home), home)
        context.report(f"empty DAG: {empty['cpu_s']:.3f} CPU-s")
        result: dict[str, Any] = {"empty": {"cpu_s": round(empty["cpu_s"], 4)}}
        for count in COUNTS[: context.amount(len(COUNTS), 1)]:
            result[f"contracts_{count}"] = found = _with_contracts(context, home, count, empty["cpu_s"])
            context.report(f"{count:,} contracts, {found['dags']:,} DAGs: {found['cpu_s']:.3f} CPU-s")
    return result


def _with_contracts(context: Context, home: Path, count: int, empty_s: float) -> dict[str, Any]:
    project = _project(context.settings.root, home / f"with-{count}", count)
    contracts = load_index(project / "include" / "schemas")
    write_applied(home / APPLIED, {dataset: encode_contract(contract) for dataset, contract in contracts.items()})
    _parse(context, project / "dags", home)  # writes the bytecode
    found = _parse(context, project / "dags", home)
    if found["dags"] <= count:
        raise NotMeasured(f"{count} contracts made only {found['dags']} DAGs")
    return {
        "dags": found["dags"],
        "cpu_s_by_file": found["files"],
        "cpu_s": round(found["cpu_s"], 4),
        "ratio": ratio(found["cpu_s"], empty_s),
    }


def _empty(home: Path) -> Path:
    folder = home / "empty"
    folder.mkdir()
    (folder / "empty.py").write_text(EMPTY_DAG)
    return folder


def _project(root: Path, project: Path, count: int) -> Path:
    """A project with the same DAGs and `count` other contracts."""
    from tests.support.generated_contracts import write_contracts

    (project / "include").mkdir(parents=True)
    shutil.copytree(root / "dags", project / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    for part in (root / "include").iterdir():
        if part.name not in ("schemas", "__pycache__"):
            (project / "include" / part.name).symlink_to(part)
    write_contracts(project / "include" / "schemas", count)
    return project


def _parse(context: Context, dags: Path, home: Path) -> dict[str, Any]:
    root = context.settings.root
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "HEADRACE_APPLIED": str(home / APPLIED),
        "PYTHONPATH": f"{dags.parent}:{root}:{root / 'plugins'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.parse.folder", str(dags)],
        env=environ, cwd=root, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotMeasured(f"{dags} could not be parsed: {done.stderr.strip()[-600:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
