"""A Spark session over the lake, configured by the environment that `LakeJobOperator` gives."""

from __future__ import annotations

import json
import os

from pyspark.sql import SparkSession


def lake_session() -> SparkSession:
    """The session; the catalog `lake` is the lake."""
    builder = SparkSession.builder
    for name, value in json.loads(os.environ["HEADRACE_SPARK_CONF"]).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def platform_jdbc() -> dict[str, str]:
    """url, user and password of the platform's database."""
    found: dict[str, str] = json.loads(os.environ["HEADRACE_PLATFORM_JDBC"])
    return found
