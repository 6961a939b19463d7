"""Why the source position: without it as the version, a replay turns the oracle red; with it, it stays green."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.shop.engines.clickhouse import clickhouse_fingerprint
from include.shop.engines.postgres import postgres_fingerprints
from include.shop.oracle import Comparison, compare
from include.shop.shape import Shape, read_shapes

DATABASE = "protection_test"
ENGINES = {"with": "ReplacingMergeTree(_offset, _deleted)", "without": "ReplacingMergeTree"}


@pytest.fixture
def shape(stack: Any) -> Shape:
    return read_shapes(stack.settings.contracts)["retail.campaign_descriptions"]


@pytest.fixture
def replayed(stack: Any, shape: Shape, oltp: Any, eventually: Any, new_id: Any) -> Iterator[Any]:
    """`replayed(engine)`: a state table that got all changes, then the first of each key once more, as a replay does."""
    hook = stack.systems.warehouse
    campaign = 1_000_000 + new_id() % 1_000_000
    oltp.execute(
        "INSERT INTO retail.campaign_descriptions VALUES (%s, 'Type A', '2017-01-01', '2017-02-01')", [campaign]
    )
    oltp.execute("UPDATE retail.campaign_descriptions SET campaign_type = 'Type C' WHERE campaign_id = %s", [campaign])
    served = "SELECT campaign_type FROM retail.campaign_descriptions WHERE campaign_id = {id:Int32}"
    eventually(lambda: [row[0] for row in hook.rows(served, {"id": campaign})], ["Type C"])
    hook.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    columns = ", ".join([*(column.name for column in shape.columns), "_offset"])
    source = "retail.campaign_descriptions_changes FINAL"

    def build(engine: str) -> str:
        table = f"{DATABASE}.{engine}"
        hook.execute(f"DROP TABLE IF EXISTS {table}")
        hook.execute(
            f"CREATE TABLE {table} ENGINE = {ENGINES[engine]} ORDER BY campaign_id AS"
            f" SELECT {columns}, (CAST(_op, 'String') = 'd') AS _deleted FROM {source}"
        )
        hook.execute(
            f"INSERT INTO {table} SELECT {columns}, (CAST(_op, 'String') = 'd') FROM {source} ORDER BY _offset LIMIT 1 BY campaign_id"
        )
        return f"(SELECT * FROM {table} FINAL WHERE _deleted = 0)"

    yield build
    hook.execute(f"DROP DATABASE {DATABASE}")
    oltp.execute("DELETE FROM retail.campaign_descriptions WHERE campaign_id = %s", [campaign])


def _judge(stack: Any, shape: Shape, relation: str) -> Comparison:
    source = postgres_fingerprints(stack.oltp_dsn, [shape])
    served = {shape.dataset: clickhouse_fingerprint(stack.systems.warehouse.client, shape, relation)}
    return compare({"source": source, "warehouse": served})


def test_with_the_position_a_replay_changes_nothing(stack: Any, shape: Shape, replayed: Any) -> None:
    judged = _judge(stack, shape, replayed("with"))
    assert judged.equal, str(judged)


def test_without_it_the_oracle_turns_red(stack: Any, shape: Shape, replayed: Any) -> None:
    judged = _judge(stack, shape, replayed("without"))
    assert {difference.what for difference in judged.differences} >= {"hash"}
