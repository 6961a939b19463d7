"""Removal of the demo's dataset."""

from __future__ import annotations

from include.stack.contracts import applied
from include.stack.demo import orders
from include.stack.demo.stage import Stage

LEFT = (
    f"It left behind: the table {orders.TABLE} in PostgreSQL, its contract, its topic, and its tables in the lake and "
    "ClickHouse. ./headrace demo --clean-up removes the dataset."
)
REMOVED = (
    "Removed: the rows, the contract, the DAG and the table in PostgreSQL; connectors and stream no longer read it. As after "
    "every removal, the topic and the tables in the lake and ClickHouse stay, with their history. A later demo uses them again."
)


def remove(stage: Stage) -> None:
    """Delete the rows, retire the dataset and drop its table. Can be repeated, also after an interruption."""
    exists = bool(stage.source(f"SELECT 1 WHERE to_regclass('{orders.TABLE}') IS NOT NULL"))
    if exists and orders.DATASET in applied(stage.s):
        stage.write(f"DELETE FROM {orders.TABLE}")
        orders.wait_for_raw(stage)
    for name in orders.FILES:
        (orders.folder(stage) / name).unlink(missing_ok=True)
    if orders.DATASET in applied(stage.s):
        stage.run(orders.APPLY)
    stage.define(f"DROP TABLE IF EXISTS {orders.TABLE}")
    platform = stage.systems.platform
    for prefix in (f"quality:{orders.DATASET}:", f"served:{orders.DATASET}:", f"dag:{orders.REFINE}:"):
        platform.resolve_others(prefix, ())
