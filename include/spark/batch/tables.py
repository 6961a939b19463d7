"""Iceberg's own Java tables, for what Spark's SQL has no words for."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def iceberg_table(spark: SparkSession, name: str) -> Any:
    """The table `zone.table` of the lake. https://iceberg.apache.org/docs/latest/java-api-quickstart/"""
    jvm: Any = spark._jvm
    return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, f"lake.{name}")
