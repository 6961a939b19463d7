"""Every Avro type in every target, plain and nullable, against what is written out here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from headrace.contracts.targets import clickhouse, debezium, iceberg, jsonschema, spark
from headrace.contracts.types import (
    TYPE_NAMES,
    Array,
    AvroType,
    Date,
    Decimal,
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Time,
    Timestamp,
    Uuid,
    type_name,
)

STRING = Primitive("string")
PLACE = Record("Place", "", "", (Field("city", 5, STRING), Field("zip", 6, STRING, nullable=True)))

TYPES: Mapping[str, AvroType] = {
    "boolean": Primitive("boolean"),
    "int": Primitive("int"),
    "long": Primitive("long"),
    "float": Primitive("float"),
    "double": Primitive("double"),
    "bytes": Primitive("bytes"),
    "string": STRING,
    "decimal": Decimal(12, 2),
    "date": Date(),
    "time-millis": Time("millis"),
    "time-micros": Time("micros"),
    "timestamp-millis": Timestamp("millis"),
    "timestamp-micros": Timestamp("micros"),
    "uuid": Uuid(),
    "fixed": Fixed("Digest", 20),
    "enum": Enum("Mood", ("calm", "angry")),
    "array": Array(STRING, 2, element_nullable=True),
    "map": Map(Primitive("long"), 3, 4),
    "record": PLACE,
}

ICEBERG: Mapping[str, str] = {
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "bytes": "binary",
    "string": "string",
    "decimal": "decimal(12, 2)",
    "date": "date",
    "time-millis": "time",
    "time-micros": "time",
    "timestamp-millis": "timestamptz",
    "timestamp-micros": "timestamptz",
    "uuid": "uuid",
    "fixed": "fixed[20]",
    "enum": "string",
    "array": "list<string>",
    "map": "map<string, required long>",
    "record": "struct<city: required string, zip: string>",
}

CLICKHOUSE: Mapping[str, tuple[str, str]] = {
    "boolean": ("Bool", "Nullable(Bool)"),
    "int": ("Int32", "Nullable(Int32)"),
    "long": ("Int64", "Nullable(Int64)"),
    "float": ("Float32", "Nullable(Float32)"),
    "double": ("Float64", "Nullable(Float64)"),
    "bytes": ("String", "Nullable(String)"),
    "string": ("String", "Nullable(String)"),
    "decimal": ("Decimal(12, 2)", "Nullable(Decimal(12, 2))"),
    "date": ("Date32", "Nullable(Date32)"),
    "time-millis": ("Int32", "Nullable(Int32)"),
    "time-micros": ("Int64", "Nullable(Int64)"),
    "timestamp-millis": ("DateTime64(3, 'UTC')", "Nullable(DateTime64(3, 'UTC'))"),
    "timestamp-micros": ("DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"),
    "uuid": ("UUID", "Nullable(UUID)"),
    "fixed": ("FixedString(20)", "Nullable(FixedString(20))"),
    "enum": ("LowCardinality(String)", "LowCardinality(Nullable(String))"),
    "array": ("Array(Nullable(String))", "Array(Nullable(String))"),
    "map": ("Map(String, Int64)", "Map(String, Int64)"),
    "record": ("Tuple(city String, zip Nullable(String))", "Tuple(city String, zip Nullable(String))"),
}

SPARK: Mapping[str, str] = {
    "boolean": "BOOLEAN",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bytes": "BINARY",
    "string": "STRING",
    "decimal": "DECIMAL(12,2)",
    "date": "DATE",
    "time-millis": "INT",
    "time-micros": "BIGINT",
    "timestamp-millis": "TIMESTAMP",
    "timestamp-micros": "TIMESTAMP",
    "uuid": "STRING",
    "fixed": "BINARY",
    "enum": "STRING",
    "array": "ARRAY<STRING>",
    "map": "MAP<STRING, BIGINT>",
    "record": "STRUCT<`city`: STRING NOT NULL, `zip`: STRING>",
}

JSON: Mapping[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32", "minimum": -2147483648, "maximum": 2147483647},
    "long": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"anyOf": [{"type": "number", "format": "float"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    "double": {"anyOf": [{"type": "number", "format": "double"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "string": {"type": "string"},
    "decimal": {"type": "string", "format": "decimal", "pattern": r"^-?(0|[1-9][0-9]{0,9})\.[0-9]{2}$"},
    "date": {"type": "string", "format": "date", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"},
    "time-millis": {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}$"},
    "time-micros": {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}$"},
    "timestamp-millis": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$",
    },
    "timestamp-micros": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$",
    },
    "uuid": {"type": "string", "format": "uuid"},
    "fixed": {"type": "string", "contentEncoding": "base64", "minLength": 28, "maxLength": 28},
    "enum": {"type": "string", "enum": ["calm", "angry"]},
    "array": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "map": {
        "type": "object",
        "additionalProperties": {
            "type": "integer",
            "format": "int64",
            "minimum": -(2**63),
            "maximum": 2**63 - 1,
        },
    },
    "record": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "city": {"type": "string"},
            "zip": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["city", "zip"],
    },
}


def _connect(carrier: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": carrier, "connect.version": 1, **more, "connect.name": name}


DEBEZIUM: Mapping[str, Any] = {
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "bytes": "bytes",
    "string": "string",
    "decimal": {
        "type": "bytes",
        "scale": 2,
        "precision": 12,
        "connect.version": 1,
        "connect.parameters": {"scale": "2", "connect.decimal.precision": "12"},
        "connect.name": "org.apache.kafka.connect.data.Decimal",
        "logicalType": "decimal",
    },
    "date": _connect("int", "io.debezium.time.Date"),
    "timestamp-millis": _connect("string", "io.debezium.time.ZonedTimestamp"),
    "timestamp-micros": _connect("string", "io.debezium.time.ZonedTimestamp"),
    "uuid": _connect("string", "io.debezium.data.Uuid"),
    "enum": _connect("string", "io.debezium.data.Enum", **{"connect.parameters": {"allowed": "calm,angry"}}),
    "array": {"type": "array", "items": ["null", "string"]},
}
"""What does not come by cdc is refused there, and has no Debezium schema."""


def test_every_type_is_here() -> None:
    assert tuple(TYPES) == TYPE_NAMES
    assert {name: type_name(avro_type) for name, avro_type in TYPES.items()} == {name: name for name in TYPES}


@pytest.mark.parametrize("target", [iceberg, clickhouse, spark, jsonschema])
def test_every_target_has_every_type(target: Any) -> None:
    assert tuple(target.TYPES) == TYPE_NAMES


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_iceberg(name: str) -> None:
    assert iceberg.describe(iceberg.render(TYPES[name])) == ICEBERG[name]


def test_iceberg_keeps_ids_and_can_loosen_everything() -> None:
    column = Field("places", 1, Array(PLACE, 2), doc="Where.")
    assert iceberg.column(column) == {
        "id": 1,
        "name": "places",
        "required": True,
        "type": {
            "type": "list",
            "element-id": 2,
            "element": {
                "type": "struct",
                "fields": [
                    {"id": 5, "name": "city", "required": True, "type": "string", "doc": ""},
                    {"id": 6, "name": "zip", "required": False, "type": "string", "doc": ""},
                ],
            },
            "element-required": True,
        },
        "doc": "Where.",
    }
    loose = iceberg.column(column, all_optional=True)
    assert not loose["required"]
    assert iceberg.describe(loose["type"]) == "list<struct<city: string, zip: string>>"


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_clickhouse(name: str) -> None:
    plain, nullable = CLICKHOUSE[name]
    assert clickhouse.render(TYPES[name]) == plain
    assert clickhouse.render(TYPES[name], nullable=True) == nullable
    assert clickhouse.column_type(Field("f", 1, TYPES[name], nullable=True)) == nullable


def test_clickhouse_comment_has_the_unit() -> None:
    assert clickhouse.comment(Field("f", 1, Time("millis"), doc="Opens.")) == "Opens. (milliseconds since midnight)"
    assert clickhouse.comment(Field("f", 1, Time("micros"), doc="Opens.")) == "Opens. (microseconds since midnight)"
    assert clickhouse.comment(Field("f", 1, Date(), doc="Opens.")) == "Opens."


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_spark(name: str) -> None:
    assert spark.render(TYPES[name]) == SPARK[name]


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_json_schema(name: str) -> None:
    assert jsonschema.render(TYPES[name]) == JSON[name]
    assert jsonschema.render(TYPES[name], nullable=True) == {"anyOf": [JSON[name], {"type": "null"}]}


def test_json_schema_of_whole_and_of_fractional_decimals() -> None:
    assert jsonschema.render(Decimal(3, 0))["pattern"] == "^-?(0|[1-9][0-9]{0,2})$"
    assert jsonschema.render(Decimal(3, 3))["pattern"] == r"^-?0\.[0-9]{3}$"


@pytest.mark.parametrize("name", DEBEZIUM)
def test_debezium(name: str) -> None:
    assert debezium.render(TYPES[name]) == DEBEZIUM[name]


def test_debezium_has_what_comes_by_cdc_and_nothing_else() -> None:
    from headrace.contracts.cdc import UNFAITHFUL

    assert set(debezium.TYPES) == set(DEBEZIUM) == set(TYPE_NAMES) - set(UNFAITHFUL)
