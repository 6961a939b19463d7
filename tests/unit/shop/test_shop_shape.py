from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.shop.errors import NoExactText
from include.shop.shape import Column, read_shape, read_shapes
from include.shop.source import DATASETS

SCHEMAS = Path(__file__).parents[3] / "include" / "schemas"


def test_every_contract_of_the_shop_can_be_compared() -> None:
    shapes = read_shapes(SCHEMAS)
    by_files = {"retail.coupons"}
    assert {f"retail.{dataset}" for dataset in DATASETS} - by_files <= set(shapes)
    transactions = shapes["retail.transactions"]
    assert transactions.table == "transactions"
    assert transactions.key == ("basket_id", "product_id")
    assert Column("sales_value", "decimal", 2) in transactions.columns
    assert Column("household_id", "integer") in transactions.columns
    assert Column("checked_out_at", "timestamp") in transactions.columns
    assert Column("redemption_date", "date") in shapes["retail.coupon_redemptions"].columns


def test_keys_stand_in_the_order_of_their_positions(tmp_path: Path) -> None:
    shape = read_shape(contract(tmp_path, "string", keys=[("b", 2), ("a", 1)]))
    assert shape.key == ("a", "b")


def test_a_type_without_an_exact_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NoExactText, match='field "a": type double has no exact text'):
        read_shape(contract(tmp_path, "double", keys=[("b", 1)]))


def contract(folder: Path, avro_type: str, keys: list[tuple[str, int]]) -> Path:
    fields = [{"name": "a", "type": ["null", avro_type]}, {"name": "b", "type": "long"}]
    avsc = folder / "t.avsc"
    avsc.write_text(json.dumps({"type": "record", "name": "T", "fields": fields}))
    properties = [{"name": n, "primaryKey": True, "primaryKeyPosition": p} for n, p in keys]
    document = {"id": "retail.t", "schema": [{"properties": properties}]}
    (folder / "t.odcs.yaml").write_text(json.dumps(document))
    return avsc
