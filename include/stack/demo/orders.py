"""The demo's dataset: names, contract files, first rows, and reads that several steps use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from headrace.contracts.contract import Contract
from headrace.contracts.loading import read_texts
from include.stack.demo.stage import Stage

DATASET: Final = "retail.demo_orders"
TABLE: Final = "retail.demo_orders"
"""Name of the table in the source and of the view in ClickHouse."""
CHANGES: Final = f"{TABLE}_changes"
LAKE: Final = "retail_demo_orders"
"""Name of its tables in each zone of the lake."""
APPLY: Final = "apply_contracts"
REFINE: Final = f"refine_{LAKE}"
STREAM: Final = "stream-retail"
FIRST_ORDERS: Final = 5
FILES: Final = ("demo_orders.avsc", "demo_orders.odcs.yaml")
CONTRACT: Final = Path(__file__).with_name("contract")
NEW_FIELD: Final = {
    "name": "channel",
    "field-id": 5,
    "type": ["null", "string"],
    "default": None,
    "doc": "Channel of the order, such as web; null for older orders.",
}
CREATE: Final = f"""CREATE TABLE IF NOT EXISTS {TABLE} (
    order_id bigint PRIMARY KEY, reference text NOT NULL, quantity integer NOT NULL, amount numeric(12,2) NOT NULL)"""
ADD_COLUMN: Final = f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {NEW_FIELD['name']} text"
PUT: Final = f"""INSERT INTO {TABLE} (order_id, reference, quantity, amount) VALUES (%s, %s, %s, 9.99)
    ON CONFLICT (order_id) DO UPDATE SET reference = excluded.reference, quantity = excluded.quantity"""
ROWS: Final = f"SELECT order_id, reference, quantity, amount FROM {TABLE} ORDER BY order_id"


def texts(*, new_field: bool) -> tuple[str, str]:
    """Return the two files of the contract, with or without the new field."""
    shape, terms = ((CONTRACT / name).read_text() for name in FILES)
    if new_field:
        record = json.loads(shape)
        record["fields"].append(NEW_FIELD)
        shape = json.dumps(record, indent=2)
    return shape, terms


def contract(*, new_field: bool = False) -> Contract:
    """Return the contract. Raises ContractErrors."""
    return read_texts(DATASET, *texts(new_field=new_field))


def folder(stage: Stage) -> Path:
    """Return the folder of the contract's files."""
    return stage.s.contracts / "retail"


def write_contract(stage: Stage, *, new_field: bool) -> None:
    """Write the two files of the contract."""
    for name, text in zip(FILES, texts(new_field=new_field), strict=True):
        (folder(stage) / name).write_text(text)


def apply_contract(stage: Stage) -> None:
    """Apply the contract of this dataset only."""
    stage.run(APPLY, {"datasets": [DATASET]})


def reference(order: int) -> str:
    """Return the reference of an order."""
    return f"R-{order}"


def put(stage: Stage, *orders: tuple[int, str, int]) -> None:
    """Insert orders, or change those that exist: number, reference, quantity."""
    stage.write(PUT, orders)


def wait_until_served(stage: Stage) -> int:
    """Wait until ClickHouse serves the rows of the source; return their number."""
    expected = stage.source(ROWS)
    stage.wait(
        f"{len(expected)} orders in ClickHouse, equal to the source",
        lambda: stage.served(ROWS),
        lambda rows: rows == expected,
        within_s=900.0,
        next_step="see ./headrace status and ./headrace logs stream-retail",
    )
    return len(expected)


def lake_rows(stage: Stage, zone: str, row_filter: str, branch: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a zone's table that the filter selects, on a branch or as readers see them."""
    scan = stage.lake(f"{zone}.{LAKE}").scan(row_filter=row_filter)
    found: list[dict[str, Any]] = (scan.use_ref(branch) if branch else scan).to_arrow().to_pylist()
    return found


def wait_for_raw(stage: Stage) -> None:
    """Wait until raw holds every change that ClickHouse serves."""
    wait_until_served(stage)

    def counts() -> tuple[int, int]:
        return stage.systems.lake.records(f"raw.{LAKE}") or 0, stage.systems.warehouse.count_final(CHANGES)

    stage.wait(
        "every change in raw (changes in raw, changes in ClickHouse)",
        counts,
        lambda found: found[0] >= found[1],
        next_step="see ./headrace status, and the state of the connector lake-retail at ./headrace logs connect",
    )


def refine(stage: Stage) -> str:
    """Refine the new changes; return the run's id. Raises AirflowRefused when nothing is published."""
    wait_for_raw(stage)
    return stage.run(REFINE)


def reads(stage: Stage, order: int, field: str, branch: str | None = None) -> Callable[[], list[Any]]:
    """Return a read of one field of an order in cleaned."""
    return lambda: [row[field] for row in lake_rows(stage, "cleaned", f"order_id = {order}", branch)]
