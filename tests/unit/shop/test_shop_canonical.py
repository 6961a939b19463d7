from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.shop.canonical import MODULUS, Value, row_text, table_hash, text
from include.shop.shape import Column, Kind


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("integer", -7, "-7"),
        ("decimal", Decimal("1.5"), "1.50"),
        ("decimal", Decimal("-0.05"), "-0.05"),
        ("decimal", Decimal(0), "0.00"),
        ("timestamp", datetime(2017, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "1483228800000001"),
        (
            "timestamp",
            datetime(2017, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            "1483228800000000",
        ),
        ("timestamp", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "-1"),
        ("date", date(1970, 1, 2), "1"),
        ("date", date(1969, 12, 31), "-1"),
        ("text", "", ""),
        ("text", r"a|b\c", r"a\pb\\c"),
        ("text", r"\N", r"\\N"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("integer", None, r"\N"),
        ("text", None, r"\N"),
    ],
)
def test_the_text_of_a_value(kind: Kind, value: Value, expected: str) -> None:
    assert text(Column("c", kind, scale=2), value) == expected


def test_a_value_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="c must be of kind date; got 'x'"):
        text(Column("c", "date"), "x")


texts = st.lists(st.none() | st.text(alphabet="\\|pNa\x1f\n"), min_size=2, max_size=2)


@given(texts, texts)
def test_different_rows_have_different_texts(one: list[str | None], other: list[str | None]) -> None:
    columns = (Column("a", "text"), Column("b", "text"))
    assert (row_text(columns, one) == row_text(columns, other)) == (one == other)


@given(st.lists(st.text(), max_size=6), st.randoms())
def test_the_hash_of_a_table_does_not_depend_on_order(rows: list[str], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert table_hash(rows) == table_hash(shuffled) < MODULUS


def test_the_hash_is_the_documented_one() -> None:
    digest = int(md5(b"1|a").hexdigest()[:16], 16)
    assert table_hash(["1|a"]) == digest
    assert table_hash(["1|a"] * 3) == 3 * digest % MODULUS
    assert table_hash([]) == 0
