"""The lake: raw changes at their positions, and cleaned rows, as pyiceberg reads them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from headrace.systems.bundle import Systems
from tests.fidelity import exact
from tests.fidelity.changes import Key, Position, Record, Values
from tests.fidelity.exact import Exact
from tests.fidelity.source import key_of
from tests.fidelity.tables import Column, Table

PLACE = ("_kafka_partition", "_offset")


class Lake:
    """The tables of one domain."""

    def __init__(self, systems: Systems, domain: str) -> None:
        self._lake = systems.lake
        self._domain = domain

    def positions(self, table: Table, start: int, end: int, zone: str = "raw") -> set[Position]:
        """The positions from `start` to `end` that a zone has."""
        rows = self._scan(zone, table, _between("_offset", start, end), PLACE)
        return {Position(*row.values()) for row in rows.to_pylist()}

    def changes(self, table: Table, start: int, end: int) -> list[Record]:
        """The raw changes from `start` to `end`."""
        names = [column.name for column in table.columns]
        rows = self._scan("raw", table, _between("_offset", start, end), (*names, "_op", *PLACE))
        meta = zip(*(rows[name].to_pylist() for name in (*PLACE, "_op")), strict=True)
        return [
            Record(Position(partition, offset), key_of(table, values), values, operation == "d")
            for (partition, offset, operation), values in zip(meta, _values(table, rows), strict=True)
        ]

    def rows(self, table: Table, first: int, last: int) -> list[tuple[Key, Values]]:
        """The cleaned rows with `first` ≤ k < `last`."""
        rows = self._scan("cleaned", table, _between("k", first, last), [column.name for column in table.columns])
        return [(key_of(table, values), values) for values in _values(table, rows)]

    def _scan(self, zone: str, table: Table, chosen: str, names: Any) -> pa.Table:
        found = self._lake.need(f"{zone}.{self._domain}_{table.name}")
        return found.scan(row_filter=chosen, selected_fields=tuple(names)).to_arrow()


def _between(name: str, first: int, last: int) -> str:
    return f"{name} >= {first} AND {name} < {last}"


def _values(table: Table, rows: pa.Table) -> Iterator[Values]:
    columns = [
        [value(column, item) for item in carriers(rows[column.name].combine_chunks()).to_pylist()]
        for column in table.columns
    ]
    return iter(zip(*columns, strict=True))


def carriers(values: pa.Array) -> pa.Array:
    """The values with days, instants and UUIDs as what they are stored as: Python's own types hold fewer of them."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.ExtensionArray):
        return values.storage
    return values.cast(_carrier(values.type))


def _carrier(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_date32(type_):
        return pa.int32()
    if pa.types.is_timestamp(type_):
        return pa.int64()
    if pa.types.is_large_string(type_) or pa.types.is_string(type_):
        return pa.large_string()
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return pa.list_(pa.field(type_.value_field.name, _carrier(type_.value_type), type_.value_field.nullable))
    return type_


def value(column: Column, found: Any) -> Exact:
    """The exact form of a value that Arrow gives."""
    if found is None:
        return None
    if isinstance(found, list):
        return tuple(value(column, item) for item in found)
    match column.kind.form:
        case "float":
            return exact.from_float32(found)
        case "double":
            return exact.floating(found)
        case "decimal":
            return exact.decimal(found)
        case "text":
            return exact.text(found if isinstance(found, str) else found.decode())
        case "bytes":
            return exact.blob(found)
        case "uuid":
            return str(uuid.UUID(bytes=found)) if isinstance(found, bytes) else str(found)
        case _:
            return found
