"""The queries of docs/how-to/time-travel.md, each of them run, in Spark, pyiceberg and ClickHouse: across a column that
was added, and after maintenance.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from headrace.systems.spark.catalog import catalog_conf
from headrace.systems.warehouse.hook import WarehouseHook
from headrace.systems.warehouse.lake import open_lake
from include.spark.batch.maintain import maintain
from tests.conftest import Stack

pytestmark = pytest.mark.beside

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "time-travel.md"
DOCUMENTED = "cleaned.retail_products"
THEN = [{"product_id": 1, "brand": "National"}, {"product_id": 2, "brand": "Private"}]
NOW = [{"product_id": 1, "brand": "Private", "size": None}, {"product_id": 3, "brand": "National", "size": "L"}]
REFUSED = [*NOW, {"product_id": 4, "brand": "Nobody", "size": "S"}]
ENGINES = ("Spark", "pyiceberg", "ClickHouse")
POLICY = {"target_file_mb": 128, "keep_days": 7, "keep_snapshots": 1, "monthly_tags": 3}

Run = Callable[[str], list[dict[str, Any]]]


def documented(engine: str) -> list[str]:
    """The code blocks of an engine's part of the page, in order."""
    part = re.search(rf"^## {engine}$(.*?)(?=^## |\Z)", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    assert part, f"no part about {engine}"
    return re.findall(r"^```\w+\n(.*?)^```$", part[1], re.DOTALL | re.MULTILINE)


def in_order(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row.get("product_id", 0))


@pytest.fixture(scope="module")
def live(stack: Stack, spark: SparkSession) -> SparkSession:
    """A session of its own, over the stack's lake."""
    session = spark.newSession()
    for name, value in catalog_conf(stack.lake).items():
        if name != "spark.sql.extensions":  # which is the same, and cannot be set any more
            session.conf.set(name, value)
    return session


@pytest.fixture(scope="module")
def runs(stack: Stack, live: SparkSession) -> Mapping[str, Run]:
    """Engine → how it runs a text."""
    assert open_lake(stack.systems.warehouse, stack.lake)
    analyst = WarehouseHook(
        replace(stack.clickhouse, login="analyst", password=stack.settings["HEADRACE_PASSWORD_ANALYST"])
    )

    def pyiceberg(text: str) -> list[dict[str, Any]]:
        scope: dict[str, Any] = {"lake": stack.systems.lake.catalog}
        exec(text, scope)
        return in_order(scope["rows"].to_pylist())

    return {
        "Spark": lambda text: in_order(row.asDict() for row in live.sql(text).collect()),
        "pyiceberg": pyiceberg,
        "ClickHouse": lambda text: in_order(analyst.client.query(text).named_results()),
    }


@pytest.fixture(scope="module")
def travelled(live: SparkSession) -> Iterator[dict[str, str]]:
    """A table with a past: what stands for each `<…>` of the page, and its name."""
    name = f"cleaned.travel_{uuid.uuid4().hex[:8]}"
    table, now = f"lake.{name}", datetime.now(UTC)
    live.sql(
        f"CREATE TABLE {table} (product_id bigint, brand string) USING iceberg TBLPROPERTIES ('format-version'='2')"
    )
    live.sql(f"INSERT INTO {table} VALUES (1, 'National'), (2, 'Private')")
    maintain(live, {**POLICY, "table": name}, now)
    newest = live.sql(f"SELECT snapshot_id, committed_at FROM {table}.snapshots ORDER BY committed_at DESC").first()
    assert newest is not None
    moment = newest.committed_at.astimezone(UTC) + timedelta(milliseconds=1)
    live.sql(f"ALTER TABLE {table} ADD COLUMN size string")
    live.sql(f"UPDATE {table} SET brand = 'Private' WHERE product_id = 1")
    live.sql(f"DELETE FROM {table} WHERE product_id = 2")
    live.sql(f"INSERT INTO {table} VALUES (3, 'National', 'L')")
    live.sql(f"ALTER TABLE {table} CREATE BRANCH audit")
    live.sql(f"INSERT INTO {table}.branch_audit VALUES (4, 'Nobody', 'S')")
    yield {
        DOCUMENTED: name,
        "<moment>": f"{moment:%Y-%m-%d %H:%M:%S.%f}",
        "<milliseconds>": str(int(moment.timestamp() * 1000)),
        "<snapshot>": str(newest.snapshot_id),
        "<month>": f"{now:%Y_%m}",
    }
    live.sql(f"DROP TABLE {table} PURGE")


def filled(text: str, travelled: Mapping[str, str]) -> str:
    for placeholder, value in travelled.items():
        text = text.replace(placeholder, value)
    assert "<" not in text, f"nothing stands for a part of: {text}"
    return text


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_query_of_the_page_returns_what_it_documents(
    engine: str, runs: Mapping[str, Run], travelled: Mapping[str, str]
) -> None:
    tested = set[str]()
    for text in documented(engine):
        about = next(
            (what for what in ("<moment>", "<milliseconds>", "<snapshot>", "<month>", "audit") if what in text), ""
        )
        query = filled(text, travelled)
        if not about:  # which states there are: of all engines Spark alone is asked
            assert travelled["<snapshot>"] in {str(row["snapshot_id"]) for row in runs["Spark"](query)}
            continue
        assert runs[engine](query) == (REFUSED if about == "audit" else THEN), query
        tested.add(about.replace("<milliseconds>", "<moment>"))
    wanted = {"<moment>", "<snapshot>"} | ({"<month>", "audit"} if engine != "ClickHouse" else set())
    assert tested == wanted
    today = {"Spark": "SELECT * FROM lake.{}", "ClickHouse": "SELECT * FROM lake.`{}`"}.get(
        engine, "rows = lake.load_table('{}').scan().to_arrow()"
    )
    assert runs[engine](today.format(travelled[DOCUMENTED])) == NOW


@pytest.mark.timeout(600)
def test_clickhouse_reads_a_branch_by_the_number_that_spark_gives(
    runs: Mapping[str, Run], travelled: Mapping[str, str]
) -> None:
    refs = next(text for text in documented("ClickHouse") if ".refs" in text)
    numbers = {row["name"]: str(row["snapshot_id"]) for row in runs["Spark"](filled(refs, travelled))}
    by_number = next(text for text in documented("ClickHouse") if "<snapshot>" in text)
    for name, wanted in ((f"month_{travelled['<month>']}", THEN), ("audit", REFUSED)):
        assert runs["ClickHouse"](filled(by_number, {**travelled, "<snapshot>": numbers[name]})) == wanted


@pytest.mark.timeout(600)
def test_a_tagged_month_still_answers_after_maintenance(
    live: SparkSession, runs: Mapping[str, Run], travelled: Mapping[str, str]
) -> None:
    table = f"lake.{travelled[DOCUMENTED]}"
    states = [row.snapshot_id for row in live.sql(f"SELECT snapshot_id FROM {table}.snapshots").collect()]
    maintain(live, {**POLICY, "table": travelled[DOCUMENTED]}, datetime.now(UTC) + timedelta(days=31))
    left = {row.snapshot_id for row in live.sql(f"SELECT snapshot_id FROM {table}.snapshots").collect()}
    gone = [state for state in states if state not in left]
    assert gone, "maintenance dropped no state"
    with pytest.raises(PySparkException):
        live.sql(f"SELECT * FROM {table} VERSION AS OF {gone[0]}").collect()
    for engine in ENGINES:
        by = "<snapshot>" if engine == "ClickHouse" else "<month>"
        text = next(text for text in documented(engine) if by in text)
        assert runs[engine](filled(text, travelled)) == THEN, engine
