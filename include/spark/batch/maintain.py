"""Maintain lake tables: compact files, expire snapshots, tag months and remove orphan files.

    spark-submit include/spark/batch/maintain.py '[{"table": "raw.retail_products", …policy}]' result.json

Maintenance does not block writers: compaction commits partition by partition, and the later of two concurrent commits
is retried. Tables are independent; an error in one does not stop the others.

Statistics (`compute_table_stats`) are not computed: Iceberg gives Spark only the number of distinct values of a column.
Without the number of nulls, Spark's optimizer does not use it for joins, and its estimates become worse than without.
https://iceberg.apache.org/docs/latest/spark-procedures/
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from include.spark.batch.session import lake_session
from include.spark.batch.tables import iceberg_table

MEBIBYTE: Final = 1024 * 1024
ORPHAN_AFTER: Final = timedelta(days=3)
"""Minimum age of an orphan file; a younger file may belong to a commit in progress."""


def maintain(spark: SparkSession, policy: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Apply the policy of one table; return its measures before and after, and the duration of the compaction."""
    name = str(policy["table"])
    if iceberg_table(spark, name).currentSnapshot() is None:
        return {"table": name, "empty": True}
    before, began = measured(spark, name), time.monotonic()
    compact(spark, name, policy["target_file_mb"])
    compacted_s = round(time.monotonic() - began, 3)
    if policy["monthly_tags"]:
        _tag(spark, name, now, policy["monthly_tags"])
    oldest = _literal(now - timedelta(days=policy["keep_days"]))
    _call(spark, "expire_snapshots", name, f"older_than => {oldest}, retain_last => {policy['keep_snapshots']}")
    # S3FileIO lists by prefix; a listing through Hadoop would need its S3 client, which is not installed.
    orphaned = _literal(datetime.now(UTC) - ORPHAN_AFTER)
    removed = _call(spark, "remove_orphan_files", name, f"older_than => {orphaned}, prefix_listing => true")
    after = measured(spark, name)
    return {"table": name, "before": before, "after": after, "orphans": len(removed), "compacted_s": compacted_s}


def compact(spark: SparkSession, name: str, target_file_mb: int) -> None:
    """Merge small files into files of the target size, and remove delete files.

    Manifests come first, because each later step and each of its commits reads all of them.
    """
    _call(spark, "rewrite_manifests", name, "use_caching => false")
    _call(
        spark,
        "rewrite_data_files",
        name,
        f"options => map('target-file-size-bytes', '{target_file_mb * MEBIBYTE}', 'partial-progress.enabled', 'true',"
        " 'remove-dangling-deletes', 'true', 'delete-file-threshold', '1')",
    )
    _call(spark, "rewrite_position_delete_files", name)


def measured(spark: SparkSession, name: str) -> dict[str, Any]:
    """Measure files, bytes and delete files of the current snapshot, number of snapshots, and full-scan planning time."""
    table = iceberg_table(spark, name)
    summary = table.currentSnapshot().summary()
    began = time.monotonic()
    planned = sum(1 for _ in _each(table.newScan().planFiles()))
    took_s = time.monotonic() - began
    return {
        "files": planned,
        "bytes": int(summary.get("total-files-size") or 0),
        "delete_files": int(summary.get("total-delete-files") or 0),
        "snapshots": sum(1 for _ in _each(table.snapshots())),
        "planning_ms": round(took_s * 1000, 1),
    }


def _tag(spark: SparkSession, name: str, now: datetime, months: int) -> None:
    """Tag the snapshot of the month's first maintenance; the tag retains it for this many months."""
    tag = f"month_{now:%Y_%m}"
    spark.sql(f"ALTER TABLE lake.{name} CREATE TAG IF NOT EXISTS {tag} RETAIN {31 * months} DAYS")


def _call(spark: SparkSession, procedure: str, table: str, arguments: str = "") -> list[Any]:
    rest = f", {arguments}" if arguments else ""
    return spark.sql(f"CALL lake.system.{procedure}(table => 'lake.{table}'{rest})").collect()


def _literal(at: datetime) -> str:
    return f"TIMESTAMP '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def _each(java: Any) -> Any:
    """Yield the elements of a Java Iterable."""
    iterator = java.iterator()
    while iterator.hasNext():
        yield iterator.next()


def main(arguments: list[str]) -> int:
    """Maintain all tables and return 0; write reports and errors per table to the result file."""
    policies, result = arguments
    reports = list[dict[str, Any]]()
    with lake_session() as spark:
        for policy in json.loads(policies):
            try:
                reports.append(maintain(spark, policy, datetime.now(UTC)))
            except Exception as error:  # one table must not stop the others
                reports.append({"table": policy["table"], "error": " ".join(str(error).split())[:600]})
            print(json.dumps(reports[-1]), flush=True)
    Path(result).write_text(json.dumps(reports))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
