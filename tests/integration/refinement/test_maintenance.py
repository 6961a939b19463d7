"""Looking after a table: what is read stays the same, what is kept is less, and months stay readable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.table import StaticTable
from pyspark.sql import SparkSession
from pyspark.sql.functions import lit

from headrace.services.maintenance.upkeep import arrived, small_files
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook
from include.spark.batch.maintain import maintain
from include.spark.batch.refine.engine import refine
from include.spark.batch.refine.selection import Selection
from include.spark.batch.tables import iceberg_table
from tests.integration.refinement.conftest import ITEMS
from tests.integration.refinement.test_engine import change, land, of_day, passes, rows

POLICY: dict[str, Any] = {
    "table": "cleaned.shop_items",
    "target_file_mb": 128,
    "keep_days": 7,
    "keep_snapshots": 1,
    "monthly_tags": 3,
    "small_files": 8,
}


CATALOG = LakeHook(Endpoint("sqlite://", extra={"type": "jdbc"}))


def stands(lake: SparkSession) -> StaticTable:
    """The table as the catalog's metadata tell of it."""
    metadata = iceberg_table(lake, POLICY["table"]).operations().current().metadataFileLocation()
    return StaticTable.from_metadata(str(metadata))


def test_many_small_files_are_seen_in_the_metadata_until_they_are_compacted(lake: SparkSession) -> None:
    land(lake, change(0, 0, 0))
    refine(lake, ITEMS, Selection(), passes)
    table = f"lake.{POLICY['table']}"
    for number in range(1, 9):
        lake.table(table).where("id = 0").withColumn("id", lit(number).cast("long")).writeTo(table).append()
        if number == 6:
            assert small_files(CATALOG, stands(lake), POLICY) == 0
    assert arrived(stands(lake), 8) >= 8
    assert small_files(CATALOG, stands(lake), POLICY) == 9
    assert small_files(CATALOG, stands(lake), {**POLICY, "small_files": 0}) == 0
    maintain(lake, POLICY, datetime.now(UTC))
    assert arrived(stands(lake), 8) == 0
    assert small_files(CATALOG, stands(lake), POLICY) == 0


def test_one_file_a_partition_is_not_too_many(lake: SparkSession) -> None:
    land(lake, *(change(month, month, 31 * month) for month in range(10)))
    refine(lake, ITEMS, Selection(), passes)
    assert arrived(stands(lake), 8) >= 8
    assert small_files(CATALOG, stands(lake), POLICY) == 0


def test_files_become_few_and_old_snapshots_go(lake: SparkSession) -> None:
    for day in range(2):
        land(lake, change(1, 2 * day, day, "u", amount=day), change(day + 2, 2 * day + 1, day))
        refine(lake, ITEMS, of_day(day), passes)
    before, tagged = rows(lake, "cleaned"), datetime.now(UTC)
    report = maintain(lake, POLICY, tagged)
    assert report["before"]["delete_files"] > 0
    assert report["after"]["files"] < report["before"]["files"]
    assert report["after"]["delete_files"] == 0
    assert rows(lake, "cleaned") == before
    land(lake, change(1, 100, 0, "d"))
    refine(lake, ITEMS, Selection(), passes)
    later = maintain(lake, POLICY, tagged + timedelta(days=30))
    assert later["after"]["snapshots"] < later["before"]["snapshots"]
    assert len(rows(lake, "cleaned")) == len(before) - 1
    then = lake.sql(f"SELECT * FROM lake.cleaned.shop_items VERSION AS OF 'month_{tagged:%Y_%m}'").collect()
    assert sorted((tuple(row) for row in then), key=str) == before


def test_a_table_that_was_never_written_is_left_alone(lake: SparkSession) -> None:
    assert maintain(lake, POLICY, datetime.now(UTC)) == {"table": "cleaned.shop_items", "empty": True}
    assert iceberg_table(lake, "cleaned.shop_items").currentSnapshot() is None
