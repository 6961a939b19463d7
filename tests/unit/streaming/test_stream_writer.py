"""A writer's schema, rewritten for reading fast: other JSON, the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pyarrow as pa
import pytest

from headrace.streaming.blocks import read_block
from headrace.streaming.datasets import Served
from headrace.streaming.registry import Writers, check_writer
from headrace.streaming.writer import UnreadableSchema, compile_writer
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import HttpClient
from headrace.systems.kafka.avro_blocks import long
from tests.support.change_records import PLAIN_ID, SCHEMA_ID, SCHEMAS, encoded, row

CAPTURED = Path(__file__).parents[1] / "contracts" / "debezium" / "every_type-value.json"
DATASET = Served("shop.lines", "oltp.shop.lines", ("basket", "product"), True, ("shop.lines_state",))


def record(*fields: Any, name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": f"f{i}", "type": t} for i, t in enumerate(fields)]}


def test_only_what_is_served_is_read_of_an_envelope() -> None:
    writer = compile_writer(SCHEMA_ID, SCHEMAS[SCHEMA_ID])
    assert writer.is_envelope
    assert set(writer.columns) == {
        "before", "after", "op", "source_ts_us", "source_ts_ms", "source_lsn", "source_origin", "source_origin_lsn",
    }  # fmt: skip
    assert writer.row.fields["at"].name == "io.debezium.time.ZonedTimestamp"
    assert writer.row.fields["value"].name == "org.apache.kafka.connect.data.Decimal"


def test_a_plain_record_is_a_row() -> None:
    writer = compile_writer(PLAIN_ID, SCHEMAS[PLAIN_ID])
    assert not writer.is_envelope
    assert writer.columns == ("after",)
    read = read_block(writer, pa.array([encoded(row(5), PLAIN_ID)], pa.binary()))
    assert read["after"][0].as_py()["product"] == 5


def test_a_captured_schema_of_every_type_compiles() -> None:
    writer = compile_writer(3, json.loads(CAPTURED.read_text()))
    assert writer.is_envelope
    assert writer.row.fields["a_uuid"].name == "io.debezium.data.Uuid"
    assert writer.row.fields["micros"].element is not None
    assert writer.row.fields["micros"].element.name == "io.debezium.time.ZonedTimestamp"
    assert b"connect." not in writer.header


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (record({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "E"), {"f0": "A", "f1": "B"}),
        (record({"type": "fixed", "name": "F", "size": 3}, "F"), {"f0": b"abc", "f1": b"xyz"}),
        (record(record("long", name="Inner"), ["null", "Inner"]), {"f0": {"f0": 1}, "f1": {"f0": 2}}),
        (
            {**record(record("int", name="x.y.Inner"), "x.y.Inner"), "namespace": "a.b"},
            {"f0": {"f0": 1}, "f1": {"f0": -2}},
        ),
        (
            {**record({**record("int", name="Inner"), "namespace": "c"}, "c.Inner"), "namespace": "a.b"},
            {"f0": {"f0": 1}, "f1": {"f0": -2}},
        ),
        (record({"type": "array", "items": ["null", "string"]}), {"f0": ["a", None, "b"]}),
    ],
    ids=["enum twice", "fixed twice", "record twice", "full name", "own namespace", "array"],
)
def test_named_types_are_read_wherever_they_are_used(schema: Any, value: dict[str, Any]) -> None:
    writer = compile_writer(1, schema)
    framed = encoded(value, 1, schema)
    read = read_block(writer, pa.array([framed, framed], pa.binary()))
    assert read["after"].to_pylist() == [value, value]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("string", "is not a record"),
        (record(["null", "int", "string"]), "a union of 3 types"),
        (record(["int", "string"]), "a union of 2 types"),
        (record("Missing"), "refers to Missing"),
        (record(["null", "R"]), "contains itself"),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused_by_name(schema: Any, why: str) -> None:
    with pytest.raises(UnreadableSchema, match=why) as refused:
        compile_writer(12, schema)
    assert "schema id 12" in str(refused.value)


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, -64, -65, 2**31, -(2**31), 2**62])
def test_numbers_are_written_as_avro_writes_them(number: int) -> None:
    import io

    assert fastavro.schemaless_reader(io.BytesIO(long(number)), "long", None) == number


def test_a_schema_of_another_kind_is_not_of_the_dataset() -> None:
    check_writer(DATASET, compile_writer(SCHEMA_ID, SCHEMAS[SCHEMA_ID]))
    with pytest.raises(UnreadableSchema, match="not a change envelope"):
        check_writer(DATASET, compile_writer(PLAIN_ID, SCHEMAS[PLAIN_ID]))
    other = Served("shop.visits", "visits", ("visit",), False, ("shop.visits_changes",))
    with pytest.raises(UnreadableSchema, match=r"has no visit: it does not belong to shop\.visits"):
        check_writer(other, compile_writer(PLAIN_ID, SCHEMAS[PLAIN_ID]))


def registry(answers: dict[int, Any]) -> tuple[Writers, list[str]]:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        found = answers.get(int(request.url.path.rpartition("/")[2]))
        if found is None:
            return httpx.Response(404, json={"error_code": 40403, "message": "Schema not found"})
        return httpx.Response(200, json={"schema": json.dumps(found)})

    http = HttpClient(
        "registry", Endpoint("registry"), path="/api", next_step="", transport=httpx.MockTransport(answer)
    )
    return Writers(http), paths


def test_each_schema_is_requested_once() -> None:
    writers, paths = registry({7: SCHEMAS[SCHEMA_ID], 8: "string"})
    assert writers(7) is writers(7)
    for _ in range(2):
        with pytest.raises(UnreadableSchema, match="is not a record"):
            writers(8)
        with pytest.raises(UnreadableSchema, match="the registry has no schema id 9"):
            writers(9)
    assert paths == ["/api/schemas/ids/7", "/api/schemas/ids/8", "/api/schemas/ids/9"]
