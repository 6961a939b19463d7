"""`spark-submit benchmarks/peer/compaction.py <table> <result>`: two ways to make few files of many, in one session.

`maintain` is what the platform's job does with a table; the plain way reads it and writes it anew, into another table of
the same catalog. Both are carried out once unmeasured, on a copy, before they are measured: the JVM is warm then.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.spark.batch.maintain import maintain, measured
from include.spark.batch.session import lake_session

POLICY = {"target_file_mb": 128, "monthly_tags": 0, "keep_days": 7, "keep_snapshots": 1}


def main(table: str, result: str) -> None:
    """Seconds, bytes and files of each way to the result file."""
    with lake_session() as spark:
        for warm, copy in ((True, f"{table}_small"), (False, table)):
            before = measured(spark, copy)
            began = time.monotonic()
            spark.table(f"lake.{copy}").coalesce(2).writeTo(f"lake.{table}_anew").createOrReplace()
            anew_s = time.monotonic() - began
            report = maintain(spark, {"table": copy, **POLICY}, datetime.now(UTC))
            if not warm:
                _tell(Path(result), before, report, anew_s, measured(spark, f"{table}_anew"))


def _tell(result: Path, before: dict[str, Any], report: dict[str, Any], anew_s: float, anew: dict[str, Any]) -> None:
    found = {"before": before, "ours": report["after"], "ours_s": report["compacted_s"], "anew": anew, "anew_s": anew_s}
    result.write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
