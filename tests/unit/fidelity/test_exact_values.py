"""The exact forms: equal only where nothing was lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.systems.oltp.drift import TYPES
from tests.fidelity import exact
from tests.fidelity.gregorian import civil, day_text, days, instant_text, micros
from tests.fidelity.kinds import KINDS

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@given(st.dates())
def test_days_are_those_of_the_calendar(day: dt.date) -> None:
    number = days(day.year, day.month, day.day)
    assert number == (day - EPOCH.date()).days
    assert civil(number) == (day.year, day.month, day.day)


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_day_has_one_name(number: int) -> None:
    assert days(*civil(number)) == number


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_an_instant_reads_the_same_in_every_spelling(at: dt.datetime) -> None:
    wanted = (at - EPOCH) // dt.timedelta(microseconds=1)
    assert micros(at.isoformat().replace("+00:00", "Z")) == micros(instant_text(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("+294276-12-31T23:59:59.999999Z", 9_224_318_015_999_999_999),
        ("-0043-03-15T00:00:00Z", -63_517_824_000_000_000),
        ("0044-03-15 00:00:00+00 BC", -63_517_824_000_000_000),
        ("1970-01-01T02:00:00+02:00", 0),
    ],
)
def test_instants_beyond_what_python_holds(text: str, wanted: int) -> None:
    assert micros(text) == wanted


def test_a_fraction_of_a_microsecond_is_no_instant() -> None:
    with pytest.raises(ValueError, match="fraction"):
        micros("2024-01-01T00:00:00.000000001Z")


def test_a_year_before_christ_is_named_so() -> None:
    assert day_text(days(0, 1, 1)) == "0001-01-01 BC"


def test_floats_differ_by_their_bits() -> None:
    assert exact.floating(-0.0) != exact.floating(0.0)
    assert exact.floating(float("nan")) == exact.floating(float("nan"))
    assert exact.floating(5e-324) != exact.floating(0.0)
    with pytest.raises(ValueError, match="4-byte"):
        exact.from_float32(0.1)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 20))
def test_zeros_at_the_end_of_a_decimal_do_not_count(value: Decimal, zeros: int) -> None:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    assert exact.decimal(Decimal((sign, digits + (0,) * zeros, exponent - zeros))) == exact.decimal(value)


def test_decimals_of_38_digits_are_distinguished() -> None:
    nines = "9" * 38
    assert exact.decimal(Decimal(nines)) != exact.decimal(Decimal(nines[:-1] + "8"))
    assert exact.decimal(Decimal(nines)) == exact.unscaled(int(nines), 0)


def test_long_texts_are_distinguished_by_their_last_character() -> None:
    assert exact.text("a" * 1000 + "b") != exact.text("a" * 1001)
    assert exact.blob(b"a" * 1000) != exact.blob(b"a" * 1001)


def test_every_type_of_the_source_that_a_contract_carries_is_tried() -> None:
    tried = {kind.postgres.partition("(")[0] + kind.postgres.partition(")")[2] for kind in KINDS.values()}
    assert {type_ for types in TYPES.values() for type_ in types} <= tried
