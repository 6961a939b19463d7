"""Conversion of a writer's columns to a target table's types, by their logical meaning. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.writer import Meaning
from headrace.systems.warehouse import arrow_ranges as ranges
from headrace.systems.warehouse.arrow import offsets
from headrace.systems.warehouse.arrow_types import Wanted

OUT_OF_RANGE: Final = "out-of-range"
"""Rule of a dead letter with a value that ClickHouse cannot hold."""

UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

Reading = Callable[[pa.Array], pa.Array]


def _ticks(unit: str) -> Reading:
    return lambda values: values.cast(pa.timestamp(unit, "UTC"))


def _instants(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("us", "UTC"))


READINGS: Final[Mapping[str, Reading]] = {
    "io.debezium.time.ZonedTimestamp": _instants,
    "io.debezium.time.IsoTimestamp": _instants,
    "io.debezium.time.Timestamp": _ticks("ms"),
    "io.debezium.time.MicroTimestamp": _ticks("us"),
    "io.debezium.time.NanoTimestamp": _ticks("ns"),
    "io.debezium.time.Date": lambda values: values.cast(pa.int32()).cast(pa.date32()),
}
"""Logical name → converter of its values, if the Avro type is not enough. Other values are read by their type."""


def conform(values: pa.Array, meaning: Meaning, want: Wanted, column: str) -> pa.Array:
    """Return the values in the target's type.

    Raises:
        UnreadableRecords: a value does not fit, or is null although the target is not nullable.
    """
    try:
        fitted = _fit(values, meaning, want.type, column)
    except (pa.ArrowException, ValueError) as error:
        raise UnreadableRecords(f"column {column}: {error}") from None
    try:
        ranges.check(fitted)
    except ValueError as error:
        raise UnreadableRecords(f"column {column}: {error}", OUT_OF_RANGE) from None
    if fitted.null_count and not want.nullable:
        raise UnreadableRecords(f"column {column}: null, but the target column is not nullable")
    return fitted


def _fit(values: pa.Array, meaning: Meaning, want: pa.DataType, column: str) -> pa.Array:
    if pa.types.is_struct(want):
        return _fit_struct(values, meaning, want, column)
    if pa.types.is_map(want):
        return _fit_map(values, meaning, want, column)
    if pa.types.is_list(want):
        inner = _fit_inner(values.flatten(), meaning, want.value_field, column)
        return pa.ListArray.from_arrays(offsets(values), inner, mask=_nulls(values))
    read = READINGS.get(meaning.name)
    if read is not None and pa.types.is_temporal(want):  # for other targets, a number or text stays unchanged
        values = read(values)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if meaning.name == "uuid":
        _check_uuids(values)
    if pa.types.is_string(want) and pa.types.is_binary(values.type):
        return values  # a ClickHouse String accepts any bytes
    return values if values.type == want else _cast(values, want)


def _check_uuids(values: pa.Array) -> None:
    """Raise ValueError for a text that is no UUID (RFC 9562). A producer may write any text."""
    valid = pc.match_substring_regex(values, UUID)
    if not pc.all(valid, min_count=0).as_py():
        raise ValueError(f"{values.filter(pc.invert(valid))[0].as_py()!r} is no UUID")


def _cast(values: pa.Array, want: pa.DataType) -> pa.Array:
    """Cast values without loss. Raises ValueError or an Arrow exception for a value that does not fit.

    Arrow's own cast rounds a double to a float, and converts between numbers and booleans.
    """
    if pa.types.is_boolean(want) != pa.types.is_boolean(values.type):
        raise ValueError(f"a {values.type} is not a {want}")
    fitted = values.cast(want)
    if pa.types.is_float32(want) and pa.types.is_float64(values.type):
        same = pc.or_(pc.equal(fitted.cast(values.type), values), pc.is_nan(values))
        if not pc.all(same, min_count=0).as_py():
            raise ValueError(f"{values.filter(pc.invert(same))[0]} is not a {want}")
    return fitted


def _fit_inner(values: pa.Array, meaning: Meaning, field: pa.Field, column: str) -> pa.Array:
    return conform(values, meaning.element or Meaning(), Wanted(field.type, field.nullable), f"{column}.{field.name}")


def _fit_struct(values: pa.Array, meaning: Meaning, want: pa.DataType, column: str) -> pa.Array:
    """Convert a struct by member names. A missing member is null (or an error); an unknown member is left out."""
    have = {values.type.field(index).name: index for index in range(values.type.num_fields)}
    members, fields = [], []
    for field in want:
        if field.name in have:
            member = pc.struct_field(values, [have[field.name]])
            inner = meaning.fields.get(field.name, Meaning())
            member = conform(member, inner, Wanted(field.type, field.nullable), f"{column}.{field.name}")
        elif field.nullable:
            member = pa.nulls(len(values), field.type)
        else:
            raise ValueError(f"member {field.name} is missing, but the target is not nullable")
        members.append(member)
        fields.append(pa.field(field.name, member.type, field.nullable))
    return pa.StructArray.from_arrays(members, fields=fields, mask=_nulls(values))


def _fit_map(values: pa.Array, meaning: Meaning, want: pa.DataType, column: str) -> pa.Array:
    keys = values.keys.cast(want.key_type)
    items = _fit_inner(values.items, meaning, want.item_field, column)
    return pa.MapArray.from_arrays(values.offsets, keys, items)


def _nulls(values: pa.Array) -> pa.Array | None:
    return values.is_null() if values.null_count else None
