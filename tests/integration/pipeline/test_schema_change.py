"""A field added to one .avsc and to the OLTP table reaches Kafka, the raw zone and ClickHouse while the stream runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

FIELD = {
    "name": "shelf_label",
    "field-id": 90,
    "type": ["null", "string"],
    "default": None,
    "doc": "Label on the shelf.",
}


@pytest.mark.timeout(400)
def test_a_new_field_arrives_everywhere_and_no_process_is_restarted(
    stack: Any, oltp: Any, warehouse: Any, raw: Any, eventually: Any, new_id: Callable[[], int]
) -> None:
    product = new_id()
    before = {state.name: state.pid for state in stack.supervisor.states()}
    avsc = stack.settings.contracts / "retail" / "products.avsc"
    schema = json.loads(avsc.read_text())
    if FIELD["name"] not in [field["name"] for field in schema["fields"]]:
        schema["fields"].append(FIELD)
        avsc.write_text(json.dumps(schema, indent=2))
    run = stack.airflow.trigger("apply_contracts", {"datasets": ["retail.products"]})
    stack.airflow.wait_for_run("apply_contracts", run, 180, lambda line: None)
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as owner:
        owner.execute("ALTER TABLE retail.products ADD COLUMN IF NOT EXISTS shelf_label text")
    oltp.execute(
        "INSERT INTO retail.products (product_id, manufacturer_id, department, brand, shelf_label)"
        " VALUES (%s, 1, 'GROCERY', 'Private', 'blue')",
        [product],
    )
    served = "SELECT shelf_label FROM retail.products WHERE product_id = {product:Int64}"
    eventually(lambda: [row[0] for row in warehouse(served, product=product)], ["blue"])
    history = "SELECT shelf_label FROM retail.products_changes FINAL WHERE product_id = {product:Int64}"
    assert [row[0] for row in warehouse(history, product=product)] == ["blue"]
    eventually(lambda: [row["shelf_label"] for row in raw("retail_products", f"product_id = {product}")], ["blue"])
    subject = stack.systems.registry.latest("oltp.retail.products-value")
    assert "shelf_label" in json.dumps(subject.schema)
    assert {state.name: state.pid for state in stack.supervisor.states()} == before
