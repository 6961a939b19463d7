"""`spark-submit benchmarks/peer/mart.py <sql file> <folder> <out> <result>`: a mart's SQL by plain Spark over Parquet.

`<folder>/<table>/` holds what the SQL calls `cleaned.<table>`; the mart goes to `<out>` as Parquet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(sql_file: str, folder: str, out: str, result: str) -> None:
    """The rows of the mart to the result file."""
    spark = SparkSession.builder.getOrCreate()
    for table in Path(folder).iterdir():
        spark.read.parquet(str(table)).createOrReplaceTempView(table.name)
    text = Path(sql_file).read_text().replace("cleaned.", "")
    spark.sql(text).write.mode("overwrite").parquet(out)
    Path(result).write_text(json.dumps(spark.read.parquet(out).count()))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
