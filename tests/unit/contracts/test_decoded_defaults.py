"""The value of a default, of its spelling in a schema."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as Number
from typing import Any

import pytest

from headrace.contracts.avro_defaults import decoded
from headrace.contracts.types import AvroType, Date, Decimal, Enum, Fixed, Primitive, Timestamp, Uuid

INSTANT = dt.datetime(1970, 1, 1, 0, 0, 1, 500_000, dt.UTC)


@pytest.mark.parametrize(
    ("avro_type", "written", "value"),
    [
        (Primitive("int"), 7, 7),
        (Primitive("string"), "ÿ", "ÿ"),
        (Primitive("bytes"), "\u00ff", b"\xff"),
        (Fixed("F", 2), "\u0000\u0001", b"\x00\x01"),
        (Decimal(12, 2), "\u0004\u00d2", Number("12.34")),
        (Decimal(12, 2), "\u00ff", Number("-0.01")),
        (Date(), -1, dt.date(1969, 12, 31)),
        (Timestamp("millis"), 1_500, INSTANT),
        (Timestamp("micros"), 1_500_000, INSTANT),
        (Enum("E", ("A",)), "A", "A"),
        (Uuid(), "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    ],
)
def test_a_default_is_the_value_that_it_spells(avro_type: AvroType, written: Any, value: Any) -> None:
    assert decoded(avro_type, written) == value
