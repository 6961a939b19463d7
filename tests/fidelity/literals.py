"""Values in PostgreSQL's input syntax, the odd ones first (Hypothesis strategies)."""

from __future__ import annotations

import json
import uuid
from typing import Any, Final, Literal

from hypothesis import strategies as st

Strategy = st.SearchStrategy[str]

MOODS: Final = ("calm", "angry", "so_so")
UUID: Final = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
YEARS: Final = (
    1,
    4,
    100,
    1000,
    1582,
    1752,
    1850,
    1899,
    1900,
    1901,
    1969,
    1970,
    1999,
    2000,
    2038,
    2262,
    2299,
    2300,
    9999,
)
MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
CHARACTERS: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ODD: Final = (
    "", " ", "  a  ", "\t\r\n", "\\N", "\\", "'", '"', "null", "NULL", "NaN", "{}", "{a,b}", "\x01", "\x1b[0m", "\x7f",
    "\x85", "\u2028", "\ufeffbom", "\ufffd", "\uffff", "\U0010ffff", "e\u0301", "\u00e9", "👩‍👩‍👧‍👦", "\u202eabc", "\U0001d518\U0001d52b", "ß", "İ",
)  # fmt: skip


def integers(bits: int) -> Strategy:
    """All of a width; its ends often."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return (st.sampled_from([low, high, low + 1, high - 1, 0, -1, 1]) | st.integers(low, high)).map(str)


def floats(width: Literal[32, 64]) -> Strategy:
    """All of a width, with NaN, the infinities, -0 and subnormal ones."""
    least, most = ("1e-45", "3.4028235e+38") if width == 32 else ("5e-324", "1.7976931348623157e+308")
    special = ["NaN", "Infinity", "-Infinity", "-0", "0", least, f"-{least}", most, f"-{most}", "0.1", "1e-39"]
    any_ = st.floats(allow_nan=False, allow_infinity=False, width=width)
    return st.sampled_from(special) | any_.map(repr)


def decimals(precision: int, scale: int, widest: str) -> Strategy:
    """All of a precision and scale; the widest often."""
    least = f"{10**-scale:.{scale}f}" if scale else "1"
    special = ["0", widest, f"-{widest}", least, f"-{least}"]
    any_ = st.integers(-(10**precision) + 1, 10**precision - 1)
    return st.sampled_from(special) | any_.map(lambda number: f"{number}e-{scale}")


def texts(longest: int = 120) -> Strategy:
    """Every character but NUL; empty, with blanks at the end, combining, right to left, control characters."""
    fitting = [text for text in ODD if len(text) <= longest]
    return st.sampled_from(fitting) | st.text(CHARACTERS, max_size=longest)


def huge() -> Strategy:
    """A megabyte, in characters of one to four bytes."""
    return st.sampled_from(["a", "é", "漢", "😀"]).map(
        lambda character: character * (1_000_000 // len(character.encode()))
    )


def blobs(longest: int = 120) -> Strategy:
    """Any bytes."""
    return (st.sampled_from([b"", b"\0", b"\xff" * 3]) | st.binary(max_size=longest)).map(
        lambda data: f"\\x{data.hex()}"
    )


def json_texts() -> Strategy:
    """Documents with numbers that no float holds, doubled keys, and blanks."""
    odd = [
        '{"a": 1, "a": 2}',
        '{"n": 123456789012345678901234567890.000100}',
        "null",
        "[]",
        '"\\u00e9"',
        " [1,  2] ",
        "1e3",
    ]
    text = st.text(CHARACTERS, max_size=20)
    leaf = st.none() | st.booleans() | st.integers() | text
    any_ = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
    )
    return st.sampled_from(odd) | any_.map(lambda document: json.dumps(document, ensure_ascii=False))


def xml_texts() -> Strategy:
    """Small documents and pieces of them."""
    return st.sampled_from(["<a/>", "<a>é&amp;&lt;</a>", "text", "<a b='1'> <c/> </a>", "<!-- c --><a/>", "<é>漢</é>"])


def dates(first: int, last: int, *, bc: bool = False) -> Strategy:
    """Days of these years; the first and the last of a year often."""
    day = st.tuples(_years(first, last), st.integers(1, 12), st.sampled_from([0, 1]) | st.integers(1, 28))
    return day.map(lambda parts: _date(*parts) + (" BC" if bc else ""))


def instants(first: int, last: int, digits: int, *, bc: bool = False) -> Strategy:
    """Instants in UTC, of so many digits of a second."""
    moment = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 10**digits - 1))
    time = st.sampled_from([(0, 0, 0, 0), (23, 59, 59, 10**digits - 1), (0, 0, 0, 1)]) | moment
    day = st.tuples(_years(first, last), st.integers(1, 12), st.sampled_from([0, 1]) | st.integers(1, 28))
    return st.tuples(day, time).map(lambda both: _instant(*both, digits) + (" BC" if bc else ""))


def arrays(element: Strategy) -> Strategy:
    """One dimension, no null."""
    return st.lists(element, min_size=1, max_size=3).map(array)


def nested_arrays(element: Strategy) -> Strategy:
    """Two dimensions, which PostgreSQL allows in any column of arrays."""
    pair = st.tuples(element, element)
    return st.lists(pair, min_size=1, max_size=2).map(lambda rows: f"{{{','.join(array(row) for row in rows)}}}")


def shifted(element: Strategy) -> Strategy:
    """An array whose first element has another number than 1."""
    return element.map(lambda item: f"[0:0]={array([item])}")


def array(items: Any) -> str:
    """The literal of an array of literals; None is null."""
    return "{" + ",".join("NULL" if item is None else _quoted(item) for item in items) + "}"


def _quoted(item: str) -> str:
    escaped = item.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _years(first: int, last: int) -> st.SearchStrategy[int]:
    known = [year for year in {*YEARS, first, last} if first <= year <= last]
    return st.sampled_from(sorted(known)) | st.integers(first, last)


def _date(year: int, month: int, day: int) -> str:
    """Day 0 is the last of the month, of a year without a leap day."""
    return f"{year:04d}-{month:02d}-{day or MONTHS[month - 1]:02d}"


def _instant(day: tuple[int, int, int], time: tuple[int, int, int, int], digits: int) -> str:
    hour, minute, second, fraction = time
    return f"{_date(*day)} {hour:02d}:{minute:02d}:{second:02d}.{fraction:0{digits}d}+00"
