"""Load a lake table by Iceberg's Java API, for what Spark SQL does not show, such as its snapshots and files."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def iceberg_table(spark: SparkSession, name: str) -> Any:
    """Return the lake table `zone.table` as a Java object. https://iceberg.apache.org/docs/latest/java-api-quickstart/"""
    jvm: Any = spark._jvm
    return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, f"lake.{name}")
