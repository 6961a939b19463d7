"""Check a file's columns against the contract, and convert its rows to the raw table's schema. Pure, on Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from headrace.contracts.contract import Contract
from headrace.contracts.types import MISSING

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_OF_A_FILE: Final = 1 << 32
"""Number of offsets per file. A row's offset is the file's number times this, plus its index in the file."""


def first_offset(number: int) -> int:
    """Return the offset of a file's first row."""
    return number * ROWS_OF_A_FILE


def column_problems(contract: Contract, columns: list[str]) -> Iterator[str]:
    """Yield a description of each problem with a file's columns."""
    fields = contract.record.fields
    required = [f.name for f in fields if not f.nullable and f.default is MISSING]
    if missing := [name for name in required if name not in columns]:
        yield f"it lacks {', '.join(missing)}"
    if unknown := [name for name in columns if contract.record.get(name) is None]:
        yield f"it has {', '.join(unknown)}, which {contract.path or contract.id} does not declare"
    if len(set(columns)) != len(columns):
        yield "it has two columns with the same name"


def as_raw(rows: pa.Table, wanted: pa.Schema, uri: str, modified: datetime, offset: int) -> pa.Table:
    """Return the rows in the raw table's columns and types, with positions; `offset` is that of the first row.

    Raises ValueError, with the column's name, for a value that does not fit its column.
    """
    import pyarrow as pa

    count = rows.num_rows
    places = {
        "_committed_at": pa.repeat(pa.scalar(modified, pa.timestamp("us", "UTC")), count),
        "_topic": pa.repeat(pa.scalar(uri), count),
        "_kafka_partition": pa.repeat(pa.scalar(0, pa.int32()), count),
        "_offset": pa.array(range(offset, offset + count), pa.int64()),
    }
    columns = []
    for field in wanted:
        try:
            if field.name in places:
                columns.append(places[field.name].cast(field.type))
            elif field.name in rows.column_names:
                columns.append(rows.column(field.name).cast(field.type))
            else:
                columns.append(pa.nulls(count, field.type))
        except (pa.ArrowException, ValueError) as wrong:
            raise ValueError(f"column {field.name}: {wrong}") from wrong
    return pa.table(columns, schema=wanted)
