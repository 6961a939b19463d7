"""`spark-submit benchmarks/peer/refine.py <parquet> <from> <until> <out> <result>`: the rows and the versions of a month
by plain Spark, from Parquet to Parquet: what somebody would write by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

KEY = ["basket_id", "product_id"]


def main(raw_files: str, start: str, until: str, out: str, result: str) -> None:
    """Write `<out>/cleaned` and `<out>/history`; the rows of cleaned to the result file."""
    spark = SparkSession.builder.getOrCreate()
    raw = spark.read.parquet(raw_files)
    keys = raw.where((f.col("checked_out_at") >= start) & (f.col("checked_out_at") < until)).select(*KEY).distinct()
    hidden = f.sha2(f.concat(f.lit("a key"), f.col("household_id").cast("string")), 256)
    changes = (
        raw.join(keys, KEY, "left_semi")
        .dropDuplicates(["_kafka_partition", "_offset"])
        .withColumn("household_id", hidden)
        .withColumn("day", f.to_date("checked_out_at"))
        .cache()
    )
    ordered = Window.partitionBy(*KEY).orderBy("_kafka_partition", "_offset")
    versions = changes.withColumn("_valid_to", f.lead("_committed_at").over(ordered)).where("_op <> 'd'")
    latest = versions.where("_valid_to IS NULL").drop("_valid_to")
    latest.repartition("day").write.partitionBy("day").parquet(f"{out}/cleaned")
    versions.repartition("day").write.partitionBy("day").parquet(f"{out}/history")
    Path(result).write_text(json.dumps(spark.read.parquet(f"{out}/cleaned").count()))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
