"""Records of every type, and rows of them, go through each target's form and come back unchanged.

Each example has a field of every type at the top, and random ones nested inside, plain or nullable.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import fastavro
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from headrace.contracts.avro import parse_avsc
from headrace.contracts.avro_render import avro_schema
from headrace.contracts.cdc import unfaithful
from headrace.contracts.codec import decode_type, encode_type
from headrace.contracts.contract import Contract, Source
from headrace.contracts.targets import clickhouse, debezium, iceberg, jsonschema, spark
from headrace.contracts.types import TYPE_NAMES, Record, type_name
from tests.support import values
from tests.support.arrow import arrow_storage
from tests.support.records import BY_CDC, records, rows

# Shrinking such large examples takes minutes and helps little: a failure prints its rows as drawn.
LIGHT = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
BATCH = 3


def _drawn(data: st.DataObject, record: Record) -> list[dict[str, Any]]:
    """Some rows, as fastavro decodes them from the record's own schema."""
    drawn = [data.draw(rows(record)) for _ in range(BATCH)]
    return [_through_avro(avro_schema(record), row) for row in drawn]


def _through_avro(schema: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    parsed = fastavro.parse_schema(schema)
    file = io.BytesIO()
    fastavro.schemaless_writer(file, parsed, row)
    file.seek(0)
    decoded = fastavro.schemaless_reader(file, parsed, None)
    assert isinstance(decoded, dict)
    assert not file.read()
    return decoded


@LIGHT
@given(records())
def test_the_record_itself(record: Record) -> None:
    assert {type_name(field.type) for field in record} == set(TYPE_NAMES)
    assert parse_avsc("row.avsc", json.dumps(avro_schema(record))) == record
    assert decode_type(json.loads(json.dumps(encode_type(record)))) == record


@LIGHT
@given(records(), st.data())
def test_avro(record: Record, data: st.DataObject) -> None:
    row = data.draw(rows(record))
    assert values.same(_through_avro(avro_schema(record), row), row)


@LIGHT
@given(records(), st.data())
def test_iceberg_through_arrow(record: Record, data: st.DataObject) -> None:
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow
    from pyiceberg.schema import Schema

    described = iceberg.schema(record)
    schema = Schema.model_validate(described)
    assert json.loads(schema.model_dump_json())["fields"] == described["fields"]
    drawn = _drawn(data, record)
    stored = pa.schema([arrow_storage(field) for field in schema_to_pyarrow(schema, include_field_ids=False)])
    sent = [values.convert(record, row, values.TO_ARROW) for row in drawn]
    table = pa.Table.from_pylist(sent, schema=stored)
    table.validate(full=True)
    assert values.same([values.convert(record, row, values.FROM_ARROW) for row in table.to_pylist()], drawn)


@LIGHT
@given(records(), st.data())
def test_spark_through_arrow(record: Record, data: st.DataObject) -> None:
    import pyarrow as pa
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
    from pyspark.sql.types import StructType, _make_type_verifier

    struct = StructType.fromJson(spark.struct(record))
    assert struct.jsonValue() == spark.struct(record)
    drawn = _drawn(data, record)
    numbered = [values.convert(record, row, values.TO_NUMBERS) for row in drawn]
    verify = _make_type_verifier(struct)
    for row in numbered:
        verify(row)
    table = pa.Table.from_pylist(numbered, schema=to_arrow_schema(struct))
    assert from_arrow_schema(table.schema).simpleString() == struct.simpleString()
    back = [values.convert(record, row, values.FROM_NUMBERS) for row in table.to_pylist()]
    assert values.same(back, drawn)


@LIGHT
@given(records(), st.data())
def test_json_schema(record: Record, data: st.DataObject) -> None:
    schema = jsonschema.schema(record)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for row in _drawn(data, record):
        text = json.dumps(values.convert(record, row, values.TO_JSON), allow_nan=False)
        validator.validate(json.loads(text))
        assert values.same(values.convert(record, json.loads(text), values.FROM_JSON), row)
        lacking = dict(list(json.loads(text).items())[1:])
        assert not validator.is_valid(lacking)


@LIGHT
@given(records(nullable_containers=False), st.data())
def test_clickhouse_through_its_client(record: Record, data: st.DataObject) -> None:
    from clickhouse_connect.datatypes.registry import get_from_name
    from clickhouse_connect.driver.insert import InsertContext
    from clickhouse_connect.driver.query import QueryContext
    from clickhouse_connect.driver.transform import NativeTransform
    from clickhouse_connect.driverc.buffer import ResponseBuffer

    in_range = [values.convert(record, row, {"date": _in_clickhouse}) for row in _drawn(data, record)]
    sent = [values.convert(record, row, values.TO_NUMBERS) for row in in_range]
    names = [field.name for field in record]
    types = [get_from_name(clickhouse.column_type(field)) for field in record]
    context = InsertContext("t", names, types, [[row[name] for name in names] for row in sent])
    native = b"".join(NativeTransform.build_insert(context)).partition(b"FORMAT Native\n")[2]
    reading = QueryContext(query_formats={"String": "bytes"}, tz_mode="aware")
    result = NativeTransform.parse_response(ResponseBuffer(_Answer(native)), reading)
    back = [dict(zip(names, row, strict=True)) for row in result.result_rows]
    assert values.same([values.convert(record, row, FROM_CLICKHOUSE) for row in back], in_range)


def _in_clickhouse(_: Any, day: dt.date) -> dt.date:
    return min(max(day, dt.date(1900, 1, 1)), dt.date(2299, 12, 31))


class _Answer:
    """A server's answer that is all there."""

    last_message = b""

    def __init__(self, content: bytes) -> None:
        self.gen = iter([content])

    def close(self) -> None:
        """Nothing is held."""


def _text(_: Any, value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


FROM_CLICKHOUSE: values.Changes = {
    **values.FROM_NUMBERS,
    "string": _text,
    "enum": _text,
    "uuid": lambda _, value: value,
}


@LIGHT
@given(records(names=BY_CDC), st.data())
def test_debezium(record: Record, data: st.DataObject) -> None:
    assert list(unfaithful(record)) == []
    contract = Contract(
        id="shop.rows",
        domain="shop",
        name="rows",
        version="1.0.0",
        owner="till",
        record=record,
        key=(record.fields[0].name,),
        source=Source("cdc", "oltp", "shop.rows", "envelope"),
        zones=("raw",),
        serving="clickhouse",
    )
    for row in _drawn(data, record):
        sent = values.convert(record, row, values.TO_CONNECT)
        received = _through_avro(debezium.value_schema(contract), _envelope(sent))
        assert received["before"] is None
        assert values.same(values.convert(record, received["after"], values.FROM_CONNECT), row)
        key = {name: sent[name] for name in contract.key}
        assert values.same(_through_avro(debezium.key_schema(contract), key), key)


def _envelope(row: dict[str, Any]) -> dict[str, Any]:
    source = {
        "version": "3",
        "connector": "postgresql",
        "name": "oltp",
        "ts_ms": 1,
        "snapshot": "false",
        "db": "shop",
        "schema": "shop",
        "table": "rows",
        "lsn": 7,
    }
    return {"before": None, "after": row, "source": source, "op": "c", "ts_ms": 1}
