"""Values as a ClickHouse column takes them, by what they mean."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pyarrow as pa
import pytest

from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.conform import conform
from headrace.streaming.writer import Meaning
from headrace.systems.warehouse.arrow_types import arguments, wanted

D = decimal.Decimal
ZONED = Meaning("io.debezium.time.ZonedTimestamp")
PLAIN = Meaning()
UUID = "0F8fad5b-d9cb-469f-a165-70867728950e"
NOON = dt.datetime(2024, 2, 29, 12, 0, 0, 123456, dt.UTC)


def fit(values: list[Any], arrow: pa.DataType, meaning: Meaning, target: str) -> list[Any]:
    fitted: list[Any] = conform(pa.array(values, arrow), meaning, wanted(target), "c").to_pylist()
    return fitted


@pytest.mark.parametrize(
    ("values", "arrow", "meaning", "target", "expected"),
    [
        (["2024-02-29T12:00:00.123456Z"], pa.string(), ZONED, "DateTime64(6, 'UTC')", [NOON]),
        (["2024-02-29T12:00:00Z"], pa.string(), ZONED, "DateTime64(6, 'UTC')", [NOON.replace(microsecond=0)]),
        (["2024-02-29T12:00:00.5Z"], pa.string(), ZONED, "DateTime64(6, 'UTC')", [NOON.replace(microsecond=500_000)]),
        (["2024-02-29T14:00:00.123456+02:00"], pa.string(), ZONED, "DateTime64(6, 'UTC')", [NOON]),
        (["0001-01-01T00:00:00Z"], pa.string(), ZONED, "DateTime64(6, 'UTC')", [dt.datetime(1, 1, 1, tzinfo=dt.UTC)]),
        (["2024-02-29T12:00:00Z", None], pa.string(), ZONED, "Nullable(DateTime64(3, 'UTC'))", [NOON.replace(microsecond=0), None]),
        (["2024-02-29T12:00:00Z"], pa.string(), ZONED, "String", ["2024-02-29T12:00:00Z"]),
        ([19782], pa.int32(), Meaning("io.debezium.time.Date"), "Date32", [dt.date(2024, 2, 29)]),
        ([19782], pa.int32(), Meaning("io.debezium.time.Date"), "Int32", [19782]),
        ([1], pa.int64(), Meaning("io.debezium.time.MicroTimestamp"), "DateTime64(6, 'UTC')", [dt.datetime(1970, 1, 1, 0, 0, 0, 1, dt.UTC)]),
        ([1], pa.int64(), Meaning("io.debezium.time.Timestamp"), "DateTime64(6, 'UTC')", [dt.datetime(1970, 1, 1, 0, 0, 0, 1000, dt.UTC)]),
        ([NOON], pa.timestamp("us", "UTC"), Meaning("timestamp-micros"), "DateTime64(6, 'UTC')", [NOON]),
        ([dt.time(0, 0, 1)], pa.time64("us"), Meaning("time-micros"), "Int64", [1_000_000]),
        ([dt.time(0, 0, 1)], pa.time32("ms"), Meaning("time-millis"), "Int32", [1000]),
        ([D("1.50"), D("-0.01")], pa.decimal128(12, 2), PLAIN, "Decimal(12, 2)", [D("1.50"), D("-0.01")]),
        ([D("1.50")], pa.decimal128(12, 2), PLAIN, "Decimal(38, 10)", [D("1.5000000000")]),
        ([7], pa.int32(), PLAIN, "Int64", [7]),
        ([UUID, None], pa.string(), Meaning("uuid"), "Nullable(UUID)", [UUID, None]),
        ([7], pa.int64(), PLAIN, "Int32", [7]),
        (["a", None], pa.dictionary(pa.int32(), pa.string()), PLAIN, "LowCardinality(Nullable(String))", ["a", None]),
        ([b"\xff\0"], pa.binary(), PLAIN, "String", [b"\xff\0"]),
        ([b"abc"], pa.binary(3), PLAIN, "FixedString(3)", [b"abc"]),
        (["550e8400-e29b-41d4-a716-446655440000"], pa.string(), PLAIN, "UUID", ["550e8400-e29b-41d4-a716-446655440000"]),
        ([True], pa.bool_(), PLAIN, "Bool", [True]),
        ([1.5], pa.float32(), PLAIN, "Float64", [1.5]),
        ([1.5, float("inf"), None], pa.float64(), PLAIN, "Nullable(Float32)", [1.5, float("inf"), None]),
        ([[1, None], []], pa.list_(pa.int64()), PLAIN, "Array(Nullable(Int64))", [[1, None], []]),
        ([["2024-02-29T12:00:00.123456Z"]], pa.list_(pa.string()), Meaning(element=ZONED), "Array(DateTime64(6, 'UTC'))", [[NOON]]),
        ([[("k", 1)]], pa.map_(pa.string(), pa.int32()), PLAIN, "Map(String, Int64)", [[("k", 1)]]),
        (
            [{"b": 1, "gone": 2, "a": "2024-02-29T12:00:00.123456Z"}],
            pa.struct({"b": pa.int32(), "gone": pa.int32(), "a": pa.string()}),
            Meaning(fields={"a": ZONED}),
            "Tuple(a DateTime64(6, 'UTC'), b Int64, new Nullable(String))",
            [{"a": NOON, "b": 1, "new": None}],
        ),
    ],
)  # fmt: skip
def test_values_fit(values: list[Any], arrow: pa.DataType, meaning: Meaning, target: str, expected: list[Any]) -> None:
    assert fit(values, arrow, meaning, target) == expected


@pytest.mark.parametrize(
    ("values", "arrow", "meaning", "target"),
    [
        ([1, None], pa.int64(), PLAIN, "Int64"),
        ([2**40], pa.int64(), PLAIN, "Int32"),
        ([D("1.005")], pa.decimal128(12, 3), PLAIN, "Decimal(12, 2)"),
        ([D("12345678901.00")], pa.decimal128(13, 2), PLAIN, "Decimal(12, 2)"),
        (["yesterday"], pa.string(), ZONED, "DateTime64(6, 'UTC')"),
        (["infinity"], pa.string(), ZONED, "DateTime64(6, 'UTC')"),
        ([[1, None]], pa.list_(pa.int64()), PLAIN, "Array(Int64)"),
        ([[("k", None)]], pa.map_(pa.string(), pa.int64()), PLAIN, "Map(String, Int64)"),
        ([{"a": None}], pa.struct({"a": pa.int64()}), PLAIN, "Tuple(a Int64)"),
        ([{"a": 1}], pa.struct({"a": pa.int64()}), PLAIN, "Tuple(a Int64, b Int64)"),
        (["x"], pa.string(), PLAIN, "Int64"),
        ([0.1], pa.float64(), PLAIN, "Float32"),
        ([1e300], pa.float64(), PLAIN, "Float32"),
        ([2], pa.int32(), PLAIN, "Bool"),
        ([True], pa.bool_(), PLAIN, "Int32"),
        ([UUID, None, "1-1-1-1-1"], pa.string(), Meaning("uuid"), "Nullable(UUID)"),
        ([[UUID, ""]], pa.list_(pa.string()), Meaning(element=Meaning("uuid")), "Array(UUID)"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_column(
    values: list[Any], arrow: pa.DataType, meaning: Meaning, target: str
) -> None:
    with pytest.raises(UnreadableRecords, match="column "):
        fit(values, arrow, meaning, target)


DAY = Meaning("io.debezium.time.Date")
MICROS = Meaning("io.debezium.time.MicroTimestamp")
YEAR_10000 = 253_402_300_800_000_000


@pytest.mark.parametrize(
    ("values", "arrow", "meaning", "target", "message"),
    [
        ([0, -43829], pa.int32(), DAY, "Date32", "1850-01-01 is outside the range that ClickHouse holds, 1900-01-01 to 2299-12-31"),
        ([-25568], pa.int32(), DAY, "Date32", "1899-12-31 is outside"),
        ([120530, None], pa.int32(), DAY, "Nullable(Date32)", "2300-01-01 is outside"),
        ([106751991], pa.int32(), DAY, "Date32", "294247-01-10 is outside"),
        ([-735520], pa.int32(), DAY, "Date32", "-044-03-20 is outside"),
        ([YEAR_10000], pa.int64(), MICROS, "DateTime64(6, 'UTC')", "10000-01-01T00:00:00.000000 is outside .* 9999-12-31T23:59:59"),
        ([-62_135_596_800_000_001], pa.int64(), MICROS, "DateTime64(6, 'UTC')", "0000-12-31T23:59:59.999999 is outside .* 0001-01-01"),
        ([[0, -43829]], pa.list_(pa.int32()), Meaning(element=DAY), "Array(Date32)", "column c.item: 1850-01-01 is outside"),
        ([{"d": -43829}], pa.struct({"d": pa.int32()}), Meaning(fields={"d": DAY}), "Tuple(d Date32)", "column c.d: 1850-01-01"),
        ([[("k", -43829)]], pa.map_(pa.string(), pa.int32()), Meaning(element=DAY), "Map(String, Date32)", "column c.value: 1850"),
    ],
)  # fmt: skip
def test_a_value_that_clickhouse_does_not_hold_is_named_with_the_range(
    values: list[Any], arrow: pa.DataType, meaning: Meaning, target: str, message: str
) -> None:
    with pytest.raises(UnreadableRecords, match=message) as refused:
        fit(values, arrow, meaning, target)
    assert refused.value.rule == "out-of-range"


def test_the_ends_of_each_range_are_held() -> None:
    ends = [dt.date(1900, 1, 1), dt.date(2299, 12, 31)]
    assert fit([-25567, 120529], pa.int32(), DAY, "Date32") == ends
    assert len(fit([YEAR_10000 - 1, -62_135_596_800_000_000], pa.int64(), MICROS, "DateTime64(6, 'UTC')")) == 2


def test_a_part_of_a_list_column_fits_by_itself() -> None:
    whole = pa.array([[1], [2, 3], None, [], [4]], pa.list_(pa.int32()))
    fitted = conform(whole.slice(1, 4), PLAIN, wanted("Array(Int64)")._replace(nullable=True), "c")
    assert fitted.to_pylist() == [[2, 3], None, [], [4]]


def test_arguments_are_split_at_their_own_commas() -> None:
    assert arguments("a Tuple(x Int8, y Enum8('p,q' = 1)), b DateTime64(6, 'UTC')") == [
        "a Tuple(x Int8, y Enum8('p,q' = 1))",
        "b DateTime64(6, 'UTC')",
    ]


def test_a_type_that_is_not_inserted_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"AggregateFunction\(uniq, UInt64\)"):
        wanted("AggregateFunction(uniq, UInt64)")
