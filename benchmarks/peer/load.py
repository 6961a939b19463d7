"""`python -m benchmarks.peer.load`: dlt loads tables from PostgreSQL into ClickHouse; its parameters come on its standard input.

The clock runs from the building of the source to the end of the pipeline, so imports are not counted: a platform
that is up has its programs loaded too.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

# Set before dlt is imported: it reads them then.
SETTINGS = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
IMPORTED_BEFORE = ("pyarrow.parquet", "sqlalchemy", "psycopg2", "connectorx", "pandas", "numpy", "clickhouse_driver")
DATASET = "peer"


def load(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Seconds and CPU-seconds of one load. `parameters`: backend, dsn, schema, tables, chunk_size, workers, credentials."""
    import dlt
    from dlt.destinations import clickhouse
    from dlt.sources.sql_database import sql_database

    for name in (*IMPORTED_BEFORE, "clickhouse_connect"):
        importlib.import_module(name)
    options: dict[str, Any] = {}
    if parameters["backend"] == "connectorx":
        options = {"backend_kwargs": {"conn": parameters["dsn"], "return_type": "arrow"}}
    with tempfile.TemporaryDirectory(prefix="headrace-dlt-") as folder:
        used, began = cpu_s(), time.monotonic()
        source = sql_database(
            parameters["dsn"].replace("postgresql://", "postgresql+psycopg2://"), schema=parameters["schema"],
            table_names=parameters["tables"], backend=parameters["backend"], chunk_size=parameters["chunk_size"],
            reflection_level="full", **options,
        )  # fmt: skip
        pipeline = dlt.pipeline(
            "headrace_peer", pipelines_dir=folder, dataset_name=DATASET,
            destination=clickhouse(credentials=parameters["credentials"]),
        )  # fmt: skip
        pipeline.run(source, write_disposition="replace", loader_file_format="parquet")
        return {"seconds": time.monotonic() - began, "cpu_s": cpu_s() - used}


def cpu_s() -> float:
    """CPU-seconds of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    os.environ.update(SETTINGS)
    json.dump(load(json.loads(sys.stdin.read())), sys.stdout)
