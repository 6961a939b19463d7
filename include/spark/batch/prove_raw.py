"""Prove the raw zone: each change is there once, in one unbroken run of source positions.

    spark-submit include/spark/batch/prove_raw.py retail.transactions,retail.products

Appends one row a table to `raw_proofs` in the platform's database and fails when a change is there twice.
"""

from __future__ import annotations

import sys
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from include.spark.batch.session import lake_session, platform_jdbc


def proof(spark: SparkSession, dataset: str) -> DataFrame:
    """One row: how many changes, how many positions, the newest commit."""
    table = dataset.replace(".", "_")
    return (
        spark.table(f"lake.raw.{table}")
        .groupBy("_topic", "_kafka_partition", "_offset")
        .agg(f.count("*").alias("times"), f.max("_committed_at").alias("committed_at"))
        .agg(
            f.lit(f"raw.{table}").alias("name"),
            f.coalesce(f.sum("times"), f.lit(0)).cast("long").alias("changes"),
            f.count("*").cast("long").alias("positions"),
            f.max("committed_at").alias("newest_commit"),
        )
        .withColumn("at", f.current_timestamp())
    )


def main(datasets: list[str]) -> int:
    """0 when every change is there once."""
    jdbc = platform_jdbc()
    options = {"user": jdbc["user"], "password": jdbc["password"], "driver": "org.postgresql.Driver"}
    with lake_session() as spark:
        found = reduce(DataFrame.unionByName, (proof(spark, dataset) for dataset in datasets)).cache()
        found.write.jdbc(jdbc["url"], "raw_proofs", mode="append", properties=options)
        doubled = [row for row in found.collect() if row.changes != row.positions]
    for row in doubled:
        print(f"{row.name}: {row.changes - row.positions} changes are there more than once", file=sys.stderr)
    return 1 if doubled else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].split(",")))
