"""`python -m benchmarks.parse.folder FOLDER`: CPU-seconds of filling Airflow's DagBag, Airflow itself imported before.

The DAG processor forks for every file from a process that has Airflow imported, so that import is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    """Writes one line of JSON; an import error ends it with 1."""
    from airflow.dag_processing.dagbag import DagBag

    began = time.process_time()
    bag = DagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="bench")
    used = time.process_time() - began
    if bag.import_errors:
        raise SystemExit("\n".join(bag.import_errors.values()))
    json.dump({"cpu_s": used, "dags": len(bag.dags)}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
