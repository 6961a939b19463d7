"""Ranges of dates and times that ClickHouse stores exactly. Pure.

A `Date32` holds 1900-01-01 to 2299-12-31. A `DateTime64` stores any 64-bit number of ticks, but shows a time
before year 1 or after 9999 as another one.
https://clickhouse.com/docs/sql-reference/data-types/date32
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Range(NamedTuple):
    """Range of values of a type, both ends included."""

    first: np.datetime64
    last: np.datetime64


DAYS: Final = Range(np.datetime64("1900-01-01", "D"), np.datetime64("2299-12-31", "D"))
MOMENTS: Final = Range(np.datetime64("0001-01-01T00:00:00"), np.datetime64("9999-12-31T23:59:59"))
SECONDS: Final = Range(np.datetime64("1970-01-01T00:00:00"), np.datetime64(2**32 - 1, "s"))


def range_of(type_: pa.DataType) -> Range | None:
    """Return the range of an Arrow type; None for a type whose values ClickHouse can all hold."""
    if pa.types.is_date32(type_):
        return DAYS
    if (
        not pa.types.is_timestamp(type_) or type_.unit == "ns"
    ):  # every 64-bit number of nanoseconds is a year in the range
        return None
    return SECONDS if type_.unit == "s" else MOMENTS


def outside(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray | None:
    """Return a mask of the values that ClickHouse cannot hold; None if it holds all. A null counts as held."""
    held = range_of(values.type)
    if held is None or values.null_count == len(values):
        return None
    numbers = values.cast(_whole(values.type))
    first, last = _in_ticks(held, values.type)
    found = pc.min_max(numbers)
    if found["min"].as_py() >= first and found["max"].as_py() <= last:
        return None
    return pc.fill_null(pc.or_(pc.less(numbers, first), pc.greater(numbers, last)), fill_value=False)


def check(values: pa.Array) -> None:
    """Raise ValueError with the first value that ClickHouse cannot hold, and the range."""
    wrong = outside(values)
    if wrong is None:
        return
    held, unit = range_of(values.type), _unit(values.type)
    assert held is not None
    shown = values.filter(wrong).cast(_whole(values.type)).slice(0, 1).to_numpy().astype(f"datetime64[{unit}]")[0]
    raise ValueError(f"{shown} is outside the range that ClickHouse holds, {held.first} to {held.last}")


def _whole(type_: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(type_) else pa.int64()


def _unit(type_: pa.DataType) -> str:
    return "D" if pa.types.is_date32(type_) else str(type_.unit)


def _in_ticks(held: Range, type_: pa.DataType) -> tuple[int, int]:
    """Return both ends as numbers of the type. The last tick of the last second is included."""
    unit = _unit(type_)
    first = int(held.first.astype(f"datetime64[{unit}]").astype(np.int64))
    if unit == "D":
        return first, int(held.last.astype(np.int64))
    return first, int((held.last + 1).astype(f"datetime64[{unit}]").astype(np.int64)) - 1
