"""A Spark session over a lake in a folder: refinement needs no server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.contracts.contract import Contract, Rule, Source
from headrace.contracts.types import Decimal, Enum, Field, Primitive, Record, Timestamp
from headrace.planning.lake import raw_tables
from headrace.planning.refined import refined_tables
from include.stack import settings
from include.stack.install import java_home
from tests.support.spark_tables import create_table

KEY = "a key of thirty-two letters or more"

ITEMS = Contract(
    id="shop.items",
    domain="shop",
    name="items",
    version="1.0.0",
    owner="till",
    record=Record(
        "Item",
        "shop",
        "One item.",
        (
            Field("id", 1, Primitive("long"), doc="Key."),
            Field("amount", 2, Primitive("int"), doc="From 0 to 9."),
            Field("owner", 3, Primitive("string"), nullable=True, default=None, doc="Who."),
            Field("price", 4, Decimal(12, 2), nullable=True, default=None, doc="USD."),
            Field("size", 5, Enum("Size", ("S", "L")), nullable=True, default=None, doc="S or L."),
            Field("sold_at", 6, Timestamp("micros"), doc="Event time."),
        ),
    ),
    key=("id",),
    source=Source("cdc", "oltp", "shop.items"),
    zones=("raw", "cleaned", "history", "quarantine"),
    serving="clickhouse",
    event_time="sold_at",
    tokenised=("owner",),
    classifications={"owner": "personal"},
    quality=(
        Rule(
            "amount_range",
            "library",
            "amount",
            "error",
            {"metric": "invalidValues", "arguments": {"validValues": {"min": 0, "max": 9}}, "mustBe": 0},
        ),
    ),
)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    jars = ":".join(str(jar) for jar in sorted((settings.load().lib / "spark").glob("*.jar")))
    warehouse = tmp_path_factory.mktemp("lake")
    conf = {
        "spark.driver.extraClassPath": jars,
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
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


@pytest.fixture
def lake(spark: SparkSession) -> SparkSession:
    """The session, with the tables of ITEMS new and empty."""
    for resource in (*raw_tables(ITEMS), *refined_tables(ITEMS)):
        create_table(spark, resource)
    return spark


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[3]
