"""`python -m benchmarks.parse.folder FOLDER`: CPU-seconds to parse every DAG file, each in a process forked for it.

So does Airflow's DAG processor: it has Airflow imported and forks for every file, each time it parses it. What a file
imports beyond that is paid for at every parse, and is counted.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Writes one line of JSON; an import error ends it with 1."""
    from airflow.dag_processing import dagbag  # noqa: F401 - imported before the fork
    from airflow.sdk import DAG  # noqa: F401

    files = sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    parsed = {str(path.relative_to(folder)): in_child(path, folder) for path in files}
    json.dump(
        {
            "cpu_s": sum(found["cpu_s"] for found in parsed.values()),
            "dags": sum(found["dags"] for found in parsed.values()),
            "files": {name: round(found["cpu_s"], 4) for name, found in parsed.items()},
        },
        sys.stdout,
    )


def in_child(file: Path, bundle: Path) -> dict[str, Any]:
    """DAGs of one file, and the CPU-seconds of the process that parsed it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(parse(file, bundle), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status, usage = os.wait4(child, 0)
    found = json.loads(text) if status == 0 else {"error": f"{file}: the parser ended with {status}"}
    if found["error"]:
        raise SystemExit(found["error"])
    return {"dags": found["dags"], "cpu_s": usage.ru_utime + usage.ru_stime}


def parse(file: Path, bundle: Path) -> dict[str, Any]:
    """The number of DAGs and what went wrong."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(file), bundle_path=bundle, bundle_name="bench")
    return {"dags": len(bag.dags), "error": "\n".join(bag.import_errors.values())}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
