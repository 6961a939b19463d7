"""`spark-submit benchmarks/peer/compaction.py <table> <result>`: two ways to make few files of many, in one session.

`compact` is what the platform's job does with a table; the plain way reads it and writes it anew, into another table of
the same catalog. Both are carried out once unmeasured, on a copy, before they are measured: the JVM is warm then.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from pyspark.sql import SparkSession

from include.spark.batch.maintain import compact, measured
from include.spark.batch.session import lake_session

TARGET_FILE_MB = 128


def main(table: str, result: str) -> None:
    """Files and bytes before and after, seconds and CPU-seconds of each way to the result file."""
    with lake_session() as spark:
        _both_ways(spark, f"{table}_small", f"{table}_anew")
        Path(result).write_text(json.dumps(_both_ways(spark, table, f"{table}_anew")))


def _both_ways(spark: SparkSession, table: str, other: str) -> dict[str, Any]:
    before = measured(spark, table)
    anew = _timed(lambda: spark.table(f"lake.{table}").coalesce(2).writeTo(f"lake.{other}").createOrReplace())
    ours = _timed(lambda: compact(spark, table, TARGET_FILE_MB))
    return {
        "before": before,
        "anew": {**anew, **measured(spark, other)},
        "ours": {**ours, **measured(spark, table)},
    }


def _timed(work: Callable[[], None]) -> dict[str, float]:
    began, used = time.monotonic(), _cpu_s()
    work()
    return {"seconds": round(time.monotonic() - began, 2), "cpu_s": round(_cpu_s() - used, 2)}


def _cpu_s() -> float:
    """CPU-seconds that the session's JVM has used, which `spark-submit` makes the parent of this process."""
    used = psutil.Process(os.getppid()).cpu_times()
    return used.user + used.system


if __name__ == "__main__":
    main(*sys.argv[1:])
