"""Conversion of raw changes to rows of the ClickHouse tables that a stream fills from the same changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.systems.warehouse import arrow_ranges as ranges
from headrace.systems.warehouse.arrow import as_inserted
from headrace.systems.warehouse.arrow_types import wanted


def served(changes: pa.Table, columns: Sequence[Mapping[str, Any]]) -> Iterator[pa.Table]:
    """Yield the rows of a table with these columns (`name`, `type`, optional `default`), ready to insert.

    A column that the changes do not have is left out, and also a null in a column that is not nullable. ClickHouse then
    sets the default. Changes without a required value that has no default are left out. So are changes with a date or
    time outside ClickHouse's range: the stream has made dead letters of them.

    Raises ValueError for a value that does not fit.
    """
    known = _with_stream_columns(changes)
    types = {column["name"]: column["type"] for column in columns if column["name"] in known.column_names}
    strict = [c for c in columns if c["name"] in types and not _takes_null(c["type"])]
    rows = known.select(list(types))
    for name in (c["name"] for c in strict if "default" not in c):
        rows = rows.filter(pc.is_valid(rows[name]))
    for name in types:
        rows = _held(rows, name)
    for part in _by_missing(rows, [c["name"] for c in strict]):
        yield as_inserted(part, {name: types[name] for name in part.column_names})


def _held(rows: pa.Table, name: str) -> pa.Table:
    """Return the rows whose value ClickHouse can hold. A deletion stays, without the value: its key is enough."""
    unheld = ranges.outside(rows[name])
    if unheld is None:
        return rows
    if "_deleted" in rows.column_names:
        gone = pc.and_(unheld, pc.equal(rows["_deleted"], 1))
        values = pc.if_else(gone, pa.scalar(None, rows[name].type), rows[name])
        rows = rows.set_column(rows.column_names.index(name), name, values)
        unheld = pc.and_not(unheld, gone)
    return rows.filter(pc.invert(unheld))


def _with_stream_columns(changes: pa.Table) -> pa.Table:
    """Add the columns that a stream's table has beside the change.

    `_inserted_at` is the commit time here: it measures the stream's speed, to which a row from raw does not contribute.
    """
    known = changes.append_column("_inserted_at", changes["_committed_at"])
    if "_op" not in changes.column_names:
        return known
    known = known.append_column("_deleted", pc.equal(changes["_op"], "d").cast(pa.uint8()))
    return known.set_column(known.schema.get_field_index("_lsn"), "_lsn", pc.fill_null(known["_lsn"], 0))


def _takes_null(type_name: str) -> bool:
    want = wanted(type_name)
    return want.nullable or pa.types.is_nested(want.type)


def _by_missing(rows: pa.Table, names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows grouped by which of these columns are null, without the null columns."""
    if not rows.num_rows:
        return
    nulls = [name for name in names if rows[name].null_count]
    if not nulls:
        yield rows
        return
    missing = pc.is_null(rows[nulls[0]])
    yield from _by_missing(rows.filter(pc.invert(missing)), nulls[1:])
    yield from _by_missing(rows.filter(missing).drop_columns([nulls[0]]), nulls[1:])
