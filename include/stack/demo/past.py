"""Step: read cleaned as it was, and the versions of a row."""

from __future__ import annotations

from typing import Any

from include.stack.demo import orders
from include.stack.demo.stage import Stage, Unmet
from include.stack.demo.step import Seen, Step
from include.stack.demo.typed import clickhouse, play_page
from include.stack.settings import Settings

SHOWN = 3
CLEANED = f"lake.`cleaned.{orders.LAKE}`"
HISTORY = f"lake.`history.{orders.LAKE}`"


def _commands(s: Settings) -> tuple[str, ...]:
    return (
        clickhouse(s, f"SELECT count() FROM {CLEANED} SETTINGS iceberg_snapshot_id = <snapshot>"),
        clickhouse(s, f"SELECT quantity, _valid_from, _valid_to FROM {HISTORY} WHERE order_id = 1"),
    )


def _act(stage: Stage) -> Seen:
    table = stage.lake(f"cleaned.{orders.LAKE}")
    now = table.scan().to_arrow().num_rows
    snapshot, then = _earlier(table, table.scan().to_arrow().to_pylist())
    versions = sorted(orders.lake_rows(stage, "history", "order_id = 1"), key=lambda row: row["_valid_from"])
    if not versions or versions[-1]["_valid_to"] is not None:
        raise Unmet("versions of order 1 in history, the last one current", versions, "run ./headrace demo --from 4")
    return Seen(
        (
            ("rows in cleaned now", f"{now}"),
            (f"rows in cleaned at snapshot {snapshot}", f"{then}"),
            *(_version(row) for row in versions[-SHOWN:]),
        ),
        (
            f"SELECT * FROM {CLEANED} SETTINGS iceberg_snapshot_id = {snapshot}, at {play_page(stage.s)}",
            "by moment, tag and branch, in Spark, pyiceberg and ClickHouse: the page time-travel.md in docs",
        ),
    )


def _earlier(table: Any, now: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the newest snapshot whose rows differ from those of now, and the number of its rows."""
    snapshot = table.current_snapshot()
    while snapshot and snapshot.parent_snapshot_id:
        snapshot = table.snapshot_by_id(snapshot.parent_snapshot_id)
        rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().to_pylist() if snapshot else now
        if snapshot and _by_order(rows) != _by_order(now):
            return int(snapshot.snapshot_id), len(rows)
    raise Unmet("an earlier state of cleaned", "only the current one", "run ./headrace demo --from 4")


def _by_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["order_id"]))


def _version(row: dict[str, Any]) -> tuple[str, str]:
    until = f"{row['_valid_to']:%H:%M:%S.%f}" if row["_valid_to"] else "now"
    return f"order 1 from {row['_valid_from']:%H:%M:%S.%f} until {until}", f"quantity {row['quantity']}"


PAST = Step(
    "Travel in time",
    "The lake keeps earlier states of a table: cleaned is read as it was before the last change. The zone history has every "
    "version of a row with its interval.",
    _commands,
    _act,
)
