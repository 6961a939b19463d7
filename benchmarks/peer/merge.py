"""`python -m benchmarks.peer.merge`: dlt merges changes from Parquet into ClickHouse; its parameters come on its standard input.

The clock runs from the first row read to the end of the pipeline; imports are not counted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from benchmarks.peer.load import DATASET, IMPORTED_BEFORE, SETTINGS, cpu_s

BATCH_ROWS = 100_000


def merge(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Seconds and CPU-seconds of one merge. `parameters`: files, column, start, until, key, credentials, folder."""
    import dlt
    import pyarrow.dataset as ds
    from dlt.destinations import clickhouse

    for name in (*IMPORTED_BEFORE, "clickhouse_connect"):
        importlib.import_module(name)
    at, start, until = (
        ds.field(parameters["column"]),
        *(datetime.fromisoformat(parameters[name]) for name in ("start", "until")),
    )

    @dlt.resource(
        name="transactions",
        primary_key=parameters["key"],
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        columns={"_offset": {"dedup_sort": "desc"}},
    )
    def changes() -> Iterator[Any]:
        yield from ds.dataset(parameters["files"]).to_batches(
            filter=(at >= start) & (at < until), batch_size=BATCH_ROWS
        )

    with tempfile.TemporaryDirectory(prefix="headrace-dlt-") as folder:
        used, began = cpu_s(), time.monotonic()
        pipeline = dlt.pipeline(
            "headrace_merge", pipelines_dir=folder, dataset_name=DATASET,
            destination=clickhouse(credentials=parameters["credentials"]),
        )  # fmt: skip
        pipeline.run(changes(), loader_file_format="parquet")
        return {"seconds": time.monotonic() - began, "cpu_s": cpu_s() - used}


if __name__ == "__main__":
    os.environ.update(SETTINGS)
    json.dump(merge(json.loads(sys.stdin.read())), sys.stdout)
