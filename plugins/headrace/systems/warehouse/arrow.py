"""Conversion of Arrow values of a lake table to the types of a ClickHouse table. Pure.

Both tables come from the same contract, so only the encoding of values differs: ClickHouse takes a time of day as a
number, and a UUID as text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from headrace.systems.warehouse import arrow_ranges as ranges
from headrace.systems.warehouse.arrow_types import Wanted, wanted


def as_stream(rows: pa.Table) -> bytes:
    """Return the rows in Arrow's stream format."""
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(out.getvalue().to_pybytes())


def as_inserted(rows: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """Return the rows in these columns; `types` is column → ClickHouse type.

    Raises ValueError for a value that does not fit, or a null in a column that is not nullable.
    """
    columns, fields = [], []
    for name, type_name in types.items():
        want = wanted(type_name)
        column = rows.column(name)
        fitted = [_fit(chunk, want, name) for chunk in column.chunks]
        columns.append(pa.chunked_array(fitted, want.type))
        fields.append(pa.field(name, want.type, want.nullable))
    return pa.table(columns, schema=pa.schema(fields))


def _fit(values: pa.Array, want: Wanted, name: str) -> pa.Array:
    fitted = _converted(values, want.type, name)
    if fitted.null_count and not want.nullable and not pa.types.is_nested(want.type):
        raise ValueError(f"column {name}: null, but the table's column is not nullable")
    try:
        ranges.check(fitted)
    except ValueError as wrong:
        raise ValueError(f"column {name}: {wrong}") from None
    return fitted


def _converted(values: pa.Array, want: pa.DataType, name: str) -> pa.Array:
    have = values.type
    if pa.types.is_list(want):
        inner = _fit(values.flatten(), Wanted(want.value_type, want.value_field.nullable), name)
        return pa.ListArray.from_arrays(offsets(values), inner, want)
    if pa.types.is_map(want):
        items = _fit(values.items, Wanted(want.item_type, want.item_field.nullable), name)
        return pa.MapArray.from_arrays(values.offsets, values.keys.cast(want.key_type), items, want)
    if pa.types.is_struct(want):
        members = [
            _fit(pc.struct_field(values, field.name), Wanted(field.type, field.nullable), name) for field in want
        ]
        return pa.StructArray.from_arrays(members, fields=list(want))
    if pa.types.is_time(have):
        in_unit = values.cast(pa.time32("ms")).cast(pa.int32()) if want == pa.int32() else values.cast(pa.int64())
        return in_unit.cast(want)
    if _is_uuid(have) and pa.types.is_string(want):
        return pa.array([None if v is None else str(uuid.UUID(bytes=_bytes(v))) for v in values.to_pylist()], want)
    if pa.types.is_string(want) and (pa.types.is_binary(have) or pa.types.is_large_binary(have)):
        return values.cast(pa.binary()).view(want)  # a ClickHouse String accepts any bytes
    return values if have == want else values.cast(want)


def _is_uuid(type_: pa.DataType) -> bool:
    return isinstance(type_, pa.UuidType) or (pa.types.is_fixed_size_binary(type_) and type_.byte_width == 16)


def _bytes(value: bytes | uuid.UUID) -> bytes:
    return value.bytes if isinstance(value, uuid.UUID) else value


def offsets(values: pa.ListArray) -> pa.Array:
    """Return the offsets into the flattened values. They begin at 0 for any slice."""
    lengths = pc.fill_null(pc.list_value_length(values), 0)
    ends = pc.cumulative_sum(lengths.cast(pa.int32()))
    return pa.concat_arrays([pa.array([0], pa.int32()), ends])
