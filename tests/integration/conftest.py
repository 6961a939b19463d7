"""A Spark session over a lake in a folder, for the engines that need no server."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from headrace.systems.spark.job import SHORT, SHORT_JVM
from include.stack import settings
from include.stack.install import java_home

KEY = "a key of thirty-two letters or more"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    jars = ":".join(str(jar) for jar in sorted((settings.load().lib / "spark").glob("*.jar")))
    warehouse = tmp_path_factory.mktemp("lake")
    conf = {
        "spark.driver.extraClassPath": jars,
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": SHORT_JVM,
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        **SHORT,
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hadoop",
        "spark.sql.catalog.lake.warehouse": str(warehouse),
        "spark.sql.catalog.lake.cache-enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in conf.items():
        builder = builder.config(name, value)
    patch = pytest.MonkeyPatch()
    patch.setenv("HEADRACE_TOKEN_KEY", KEY)  # before the workers start: they inherit it
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    patch.setenv("JAVA_HOME", str(java_home()))
    session = builder.getOrCreate()
    yield session
    session.stop()
    patch.undo()
