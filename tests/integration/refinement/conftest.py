"""A dataset and its tables in a lake in a folder: refinement needs no server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.contracts.contract import Contract, Rule, Source
from headrace.contracts.types import Decimal, Enum, Field, Primitive, Record, Timestamp
from headrace.planning.lake import raw_tables
from headrace.planning.refined import refined_tables
from tests.support.spark_tables import create_table

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
    source=Source("cdc", "oltp", "shop.items", "envelope"),
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


@pytest.fixture
def lake(spark: SparkSession) -> SparkSession:
    """The session, with the tables of ITEMS new and empty."""
    for resource in (*raw_tables(ITEMS), *refined_tables(ITEMS)):
        create_table(spark, resource)
    return spark


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[3]
