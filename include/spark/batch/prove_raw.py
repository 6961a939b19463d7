"""Count changes and source positions in the raw zone, to detect duplicates and gaps.

    spark-submit include/spark/batch/prove_raw.py retail.transactions,retail.products

Appends one row per table to `raw_proofs` in the platform's database. Fails at the end when a change exists twice, or a
dataset cannot be counted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from headrace.contracts import names
from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from include.spark.batch.session import lake_session, platform_jdbc

PROJECT: Final = Path(__file__).parents[3]


def proof(spark: SparkSession, table: str) -> DataFrame:
    """Return one row: number of changes, number of positions, newest commit."""
    return (
        spark.table(f"{names.LAKE_CATALOG}.{table}")
        .groupBy("_topic", "_kafka_partition", "_offset")
        .agg(f.count("*").alias("times"), f.max("_committed_at").alias("committed_at"))
        .agg(
            f.lit(table).alias("name"),
            f.coalesce(f.sum("times"), f.lit(0)).cast("long").alias("changes"),
            f.count("*").cast("long").alias("positions"),
            f.max("committed_at").alias("newest_commit"),
        )
        .withColumn("at", f.current_timestamp())
    )


def main(arguments: list[str]) -> int:
    """Return 0 if every dataset is readable and has no duplicates. The first argument is a comma-separated list."""
    jdbc = platform_jdbc()
    options = {"user": jdbc["user"], "password": jdbc["password"], "driver": "org.postgresql.Driver"}
    contracts, wrong = load_index(applied_index(PROJECT)), list[str]()
    with lake_session() as spark:
        for dataset in arguments[0].split(","):
            try:
                found = proof(spark, names.raw_table(contracts[dataset])).cache()
                found.write.jdbc(jdbc["url"], "raw_proofs", mode="append", properties=options)
                (row,) = found.collect()
            except Exception as error:  # one dataset must not stop the others
                wrong.append(f"{dataset}: cannot be counted: {' '.join(str(error).split())[:600]}")
                continue
            if row.changes != row.positions:
                wrong.append(f"{row.name}: {row.changes - row.positions} duplicate changes")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
