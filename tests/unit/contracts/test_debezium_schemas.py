"""The expected schemas against what Debezium and the converter really gave (see every_type.sql)."""

from __future__ import annotations

import json
from pathlib import Path

from headrace.contracts.avro import parse_avsc
from headrace.contracts.cdc import unfaithful
from headrace.contracts.contract import Contract, Source
from headrace.contracts.targets import debezium

CAPTURED = Path(__file__).parent / "debezium"

CONTRACT = Contract(
    id="retail.every_type",
    domain="retail",
    name="every_type",
    version="1.0.0",
    owner="till",
    record=parse_avsc("every_type.avsc", (CAPTURED / "every_type.avsc").read_text(encoding="utf-8")),
    key=("a_string", "a_long"),
    source=Source("cdc", "oltp", "retail.every_type", "envelope"),
    zones=("raw",),
    serving="clickhouse",
)


def _captured(name: str) -> str:
    return json.dumps(json.loads((CAPTURED / name).read_text(encoding="utf-8")), indent=1)


def test_everything_in_the_captured_table_comes_by_cdc() -> None:
    assert list(unfaithful(CONTRACT.record)) == []


def test_value_schema_equals_the_captured_one() -> None:
    assert json.dumps(debezium.value_schema(CONTRACT), indent=1) == _captured("every_type-value.json")


def test_key_schema_equals_the_captured_one() -> None:
    assert json.dumps(debezium.key_schema(CONTRACT), indent=1) == _captured("every_type-key.json")
