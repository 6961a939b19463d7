"""What every target makes of a row with every type: read the snapshots in review."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.contracts.avro import parse_avsc
from headrace.contracts.avro_render import avro_schema
from headrace.contracts.targets import clickhouse, iceberg, jsonschema, spark
from headrace.contracts.types import Record
from tests.support.snapshot import as_json, assert_snapshot

HERE = Path(__file__).parent
RECORD = parse_avsc("every_type.avsc", (HERE / "every_type.avsc").read_text(encoding="utf-8"))


def _clickhouse(record: Record) -> str:
    return "\n".join(f"{f.name} {clickhouse.column_type(f)} COMMENT {clickhouse.comment(f)!r}" for f in record)


def _iceberg(record: Record) -> str:
    columns = iceberg.schema(record)["fields"]
    lines = [f"{c['id']}: {c['name']}: {iceberg.describe(c['type'])}" for c in columns]
    return "\n".join([*lines, "", as_json(iceberg.schema(record))])


def _spark(record: Record) -> str:
    return "\n".join([spark.ddl(record), "", as_json(spark.struct(record))])


TARGETS: dict[str, Callable[[Record], str]] = {
    "iceberg.txt": _iceberg,
    "clickhouse.txt": _clickhouse,
    "spark.txt": _spark,
    "jsonschema.json": lambda record: as_json(jsonschema.schema(record)),
    "avro.json": lambda record: as_json(avro_schema(record)),
}


@pytest.mark.parametrize("name", TARGETS)
def test_snapshot(name: str) -> None:
    assert_snapshot(HERE / "snapshots" / f"every_type.{name}", TARGETS[name](RECORD))


def test_the_avro_rendering_reads_back_as_the_same_record() -> None:
    assert parse_avsc("again.avsc", json.dumps(avro_schema(RECORD))) == RECORD
