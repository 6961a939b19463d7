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

REPETITIONS = 5
NEEDS_STACK = False
COUNTS: Final = (10, 100, 1_000)
EMPTY_DAG = """\
from airflow.sdk import DAG

with DAG("empty", schedule=None):
    pass
"""
METHOD = (
    "The project's DAG folder beside generated contracts of twelve fields each, fifty to a domain. A fresh process "
    "imports Airflow and forks for every file, as the DAG processor does; CPU-seconds of the forked processes, which "
    "import what the files need and parse them. Warm: the compiled index of contracts is there; cold: it is not, and "
    "the first file makes it."
)
FIGURES = (
    Figure("parsing an empty DAG", "empty.cpu_s", "CPU-s"),
    *(Figure(f"parsing the DAGs of {n:,} contracts, index warm", f"contracts_{n}.warm_cpu_s", "CPU-s") for n in COUNTS),
    Figure("the same for 1,000 ÷ an empty DAG", "contracts_1000.warm_ratio", "ratio"),
    Figure("the same for 1,000, index cold", "contracts_1000.cold_cpu_s", "CPU-s"),
)


def run(context: Context) -> dict[str, Any]:
    """Each number of contracts once, cold and then warm."""
    with tempfile.TemporaryDirectory(prefix="headrace-dags-") as folder:
        home = Path(folder)
        empty = _parse(context, _empty(home), home)
        context.report(f"empty DAG: {empty['cpu_s']:.3f} CPU-s")
        result: dict[str, Any] = {"empty": {"cpu_s": round(empty["cpu_s"], 4)}}
        for count in COUNTS[: context.amount(len(COUNTS), 1)]:
            result[f"contracts_{count}"] = found = _with_contracts(context, home, count, empty["cpu_s"])
            context.report(f"{count:,} contracts: {found['warm_cpu_s']:.3f} CPU-s warm, {found['cold_cpu_s']:.3f} cold")
    return result


def _with_contracts(context: Context, home: Path, count: int, empty_s: float) -> dict[str, Any]:
    project = _project(context.settings.root, home / f"with-{count}", count)
    (home / "index.json").unlink(missing_ok=True)
    cold = _parse(context, project / "dags", home)
    _parse(context, project / "dags", home)  # files younger than a clock tick are read a second time
    warm = _parse(context, project / "dags", home)
    return {
        "dags": warm["dags"],
        "warm_cpu_s_by_file": warm["files"],
        "warm_cpu_s": round(warm["cpu_s"], 4),
        "cold_cpu_s": round(cold["cpu_s"], 4),
        "warm_ratio": ratio(warm["cpu_s"], empty_s),
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
        "HEADRACE_INDEX": str(home / "index.json"),
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
