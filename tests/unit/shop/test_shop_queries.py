from __future__ import annotations

from pathlib import Path

import pytest

from include.shop.engines.clickhouse import clickhouse_query, latest
from include.shop.engines.postgres import postgres_query
from include.shop.shape import Column, Shape

SNAPSHOTS = Path(__file__).parent / "snapshots"
SHAPE = Shape(
    "retail.t",
    ("id", "day"),
    (
        Column("id", "integer"),
        Column("day", "date"),
        Column("amount", "decimal", 2),
        Column("at", "timestamp"),
        Column("name", "text"),
        Column("open", "boolean"),
    ),
)
QUERIES = {
    "postgres": postgres_query(SHAPE, "retail.t"),
    "clickhouse": clickhouse_query(SHAPE, "retail.t"),
    "clickhouse_latest": clickhouse_query(SHAPE, latest(SHAPE, "retail.t_changes")),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_query_is_the_reviewed_one(name: str) -> None:
    assert (SNAPSHOTS / f"{name}.sql").read_text() == QUERIES[name] + "\n"
