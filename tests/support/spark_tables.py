"""A planned lake table, made by Spark in whatever catalog a test has."""

from __future__ import annotations

import re
from typing import Any

from pyspark.sql import SparkSession

from headrace.planning.resources import Resource

TYPES = {"long": "BIGINT", "timestamptz": "TIMESTAMP"}


def create_table(spark: SparkSession, resource: Resource) -> None:
    """Make it anew; of its columns only scalar ones are understood."""
    spark.sql(f"DROP TABLE IF EXISTS lake.{resource.name} PURGE")
    columns = ", ".join(_column(column) for column in resource.spec["columns"])
    transforms = [re.sub(r"^(month|day)\(", r"\1s(", text) for text in resource.spec["partition"]]
    parts = f"PARTITIONED BY ({', '.join(transforms)})" if transforms else ""
    properties = ", ".join(f"'{name}' = '{value}'" for name, value in resource.spec["properties"].items())
    spark.sql(f"CREATE TABLE lake.{resource.name} ({columns}) USING iceberg {parts} TBLPROPERTIES ({properties})")


def _column(column: dict[str, Any]) -> str:
    required = " NOT NULL" if column["required"] else ""
    return f"{column['name']} {TYPES.get(column['type'], column['type'])}{required}"
