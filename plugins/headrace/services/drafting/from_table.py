"""Draft a contract from a table of PostgreSQL. Pure: the columns come as arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from headrace.contracts.avro_faults import FIELD_NAME
from headrace.contracts.codec import decode_type
from headrace.contracts.contract import Source
from headrace.contracts.types import MISSING, Array, AvroType, Decimal, Enum, Field, Record
from headrace.services.drafting.draft import NOT_A_NAME, Draft, record_name, render, undescribed
from headrace.systems.oltp.drift import MODIFIER, NOT_IN_ARRAYS, TYPES
from headrace.systems.oltp.hook import DescribedColumn

PLAIN: Final[Mapping[str, AvroType]] = {
    type_: decode_type(name) for name, types in TYPES.items() if name != "decimal" for type_ in types
}
"""PostgreSQL type, without a length → Avro type that Debezium sends it as: the inverse of what the plan accepts."""
ADVICE: Final[Mapping[str, str]] = {
    "numeric": "numeric without precision has no fixed scale: ALTER it to numeric(precision, scale)",
    "timestamp without time zone": "it names no instant: ALTER it to timestamp with time zone",
    "time without time zone": "the chain does not carry it exactly: use bigint microseconds, or text",
    "time with time zone": "the chain does not carry it exactly: use bigint microseconds, or text",
    "interval": "Avro has no such type: use bigint seconds, or text",
}
"""PostgreSQL type → why it is left out, and what to do."""
GENERATED: Final = "PostgreSQL does not publish generated columns: compute it from the others"
NUMERIC: Final = re.compile(r"numeric\((\d+),(\d+)\)")


def from_table(
    dataset: str, connection: str, table: str, comment: str, columns: Sequence[DescribedColumn], team: str
) -> Draft:
    """Return the draft of a dataset that is captured from a table, `schema.table`.

    Raises ValueError when the table has no primary key, or when a column of its key cannot be carried.
    """
    fields: list[Field] = []
    left_out: dict[str, str] = {}
    ids = count(1)
    for column in columns:
        found = _why_not(column) or avro_type(column)
        if isinstance(found, str):
            left_out[column.name] = found
            continue
        own = next(ids)
        if isinstance(found, Array):
            found = replace(found, element_id=next(ids))
        default = None if column.nullable else MISSING
        fields.append(
            Field(column.name, own, found, column.nullable, column.comment or undescribed(column.name), default)
        )
    keyed = sorted((c for c in columns if c.key_position), key=lambda c: c.key_position or 0)
    if not keyed:
        raise ValueError(f"{table} has no primary key, by which changes are told apart: add one to the table")
    if lost := [c.name for c in keyed if c.name in left_out]:
        raise ValueError(f"{table}.{lost[0]} is part of the primary key and cannot be carried: {left_out[lost[0]]}")
    doc = comment or f"Rows of {table}."
    record = Record(record_name(dataset), dataset.partition(".")[0], doc, tuple(fields))
    return render(
        dataset, record, [c.name for c in keyed], Source("cdc", connection, table, "envelope"), team, left_out
    )


def avro_type(column: DescribedColumn) -> AvroType | str:
    """Return the type of the field, or why the column is left out. An array's element id is not set yet."""
    if column.type.endswith("[]"):
        element = avro_type(column._replace(type=column.type.removesuffix("[]")))
        if isinstance(element, str):
            return element
        if column.nullable:
            return "ClickHouse has no nullable array: make the column NOT NULL with a default of '{}'"
        if column.symbols or column.type.removesuffix("[]") in NOT_IN_ARRAYS:
            return "Debezium does not carry arrays of this type: use an array of text"
        return Array(element, 0, element_nullable=True)
    if column.symbols:
        return Enum(record_name(f".{column.name}"), column.symbols)
    if numeric := NUMERIC.fullmatch(column.type):
        return Decimal(int(numeric[1]), int(numeric[2]))
    bare = MODIFIER.sub("", column.type)
    return PLAIN.get(bare) or ADVICE.get(bare, f"the type {column.type} is not supported: use text, or leave it out")


def _why_not(column: DescribedColumn) -> str:
    """Return why a column is left out whatever its type is; empty when it is not."""
    if column.generated:
        return GENERATED
    return "" if FIELD_NAME.fullmatch(column.name) else NOT_A_NAME
