"""Conversion of a dataset's records to the rows of its ClickHouse tables.

A change envelope gives the row after the change. A deletion gives the row before it, marked as deleted. Any other
record is itself a row, and one of its fields may mark it as deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.conform import conform
from headrace.streaming.decode import Chunk
from headrace.systems.warehouse.arrow_types import Wanted, wanted

OPERATIONS: Final = pa.array(["c", "r", "u", "d"])
"""Operations of a change: create, read by a snapshot, update, delete."""
DELETED: Final = "_deleted"
POSITION: Final = ("_kafka_partition", "_offset")
COMMITTED: Final = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one dataset, ready to insert, and the columns that exist only in the source."""

    table: pa.Table
    drift: frozenset[str]


Target: TypeAlias = Mapping[str, str] | Mapping[str, Wanted]
"""Column → its Arrow type, or its ClickHouse type."""


def rows(chunk: Chunk, target: Target, deleted: str | None = None) -> Rows:
    """Return the rows of a chunk in the target's columns, with their Kafka position and origin.

    `deleted` is the boolean field that marks a deletion in records that are no change envelopes.

    Raises:
        UnreadableRecords: a record cannot become a row.
        ValueError: the target has a column type without inserts.
    """
    if not chunk.writer.is_envelope:
        parts = [_part(chunk, "after", target, {**_positions(chunk.records), **_as_created(chunk, deleted)})]
    else:
        parts = [part for part in (_alive(chunk, target), _gone(chunk, target)) if part is not None]
    known = set(target)
    drift = frozenset(chunk.writer.row.fields) - known
    return Rows(pa.concat_tables(parts), drift)


def before_images(chunk: Chunk, target: Mapping[str, str]) -> pa.Table | None:
    """Return the rows before each update of a chunk, in the form of `rows`; None without an update.

    Raises UnreadableRecords if an update has no image of the old row.
    """
    if not chunk.writer.is_envelope:
        return None
    return _selected(chunk, pc.equal(chunk.columns["op"], "u"), "before", target)


def deletion(chunk: Chunk, target: Target, key: Collection[str]) -> pa.Table | None:
    """Return the row of a chunk's single deletion, with only its key and origin; None if it is not a deletion.

    Raises UnreadableRecords if the key does not fit.
    """
    known: Target = {name: target[name] for name in key}  # type: ignore[assignment] # of one kind, as `target` is
    return _gone(chunk, known) if chunk.writer.is_envelope else None


def check_operations(chunk: Chunk) -> None:
    """Raise UnreadableRecords if a record has an unknown operation."""
    known = pc.is_in(chunk.columns["op"], OPERATIONS)
    if not pc.all(known).as_py():
        strange = pc.unique(chunk.columns["op"].filter(pc.invert(known))).to_pylist()
        raise UnreadableRecords(f"operation {', '.join(map(str, strange))} is not served")


def _alive(chunk: Chunk, target: Target) -> pa.Table | None:
    check_operations(chunk)
    alive = pc.not_equal(chunk.columns["op"], "d")
    return _selected(chunk, alive, "after", target)


def _gone(chunk: Chunk, target: Target) -> pa.Table | None:
    gone = pc.equal(chunk.columns["op"], "d")
    return _selected(chunk, gone, "before", target)


def _selected(chunk: Chunk, chosen: pa.Array, image: str, target: Target) -> pa.Table | None:
    count = pc.sum(chosen).as_py() or 0
    if not count:
        return None
    if count < len(chosen):
        chunk = Chunk(chunk.topic, chunk.writer, chunk.records.filter(chosen), chunk.columns.filter(chosen))
    meta = {**_positions(chunk.records), **_origins(chunk.columns)}
    meta[DELETED] = pa.repeat(pa.scalar(int(image == "before"), pa.uint8()), count)
    return _part(chunk, image, target, meta)


def _part(chunk: Chunk, image: str, target: Target, meta: Mapping[str, pa.Array]) -> pa.Table:
    row = chunk.columns[image]
    if row.null_count:
        raise UnreadableRecords(f"the change has no row image `{image}`; is REPLICA IDENTITY FULL?")
    columns = {}
    for index in range(row.type.num_fields):
        name = row.type.field(index).name
        if name in target:
            columns[name] = conform(row.field(index), chunk.writer.row.fields[name], _wanted(target[name]), name)
    return pa.table({**columns, **meta})


def _wanted(column: str | Wanted) -> Wanted:
    return wanted(column) if isinstance(column, str) else column


def _as_created(chunk: Chunk, deleted: str | None) -> dict[str, pa.Array]:
    count, after = chunk.records.num_rows, chunk.columns["after"]
    marks = pa.repeat(pa.scalar(0, pa.uint8()), count)
    if deleted is not None and after.type.get_field_index(deleted) >= 0:
        marks = pc.fill_null(after.field(deleted), fill_value=False).cast(pa.uint8())
    return {"_op": pa.repeat("c", count), DELETED: marks}


def _positions(records: pa.Table) -> dict[str, pa.Array]:
    return {
        "_kafka_partition": records["partition"].combine_chunks(),
        "_offset": records["offset"].combine_chunks().cast(pa.uint64()),
        "_committed_at": records["timestamp"].combine_chunks().cast(COMMITTED),
    }


def _origins(columns: pa.RecordBatch) -> dict[str, pa.Array]:
    """Return the change's origin columns from the envelope. Without a source time, the record's own time stays."""
    found = {"_op": columns["op"]}
    names = set(columns.schema.names)
    if "source_lsn" in names:
        found["_lsn"] = pc.fill_null(columns["source_lsn"], 0).cast(pa.uint64())
    if "source_ts_us" in names and not columns["source_ts_us"].null_count:
        found["_committed_at"] = columns["source_ts_us"].cast(COMMITTED)
    elif "source_ts_ms" in names and not columns["source_ts_ms"].null_count:
        found["_committed_at"] = columns["source_ts_ms"].cast(pa.timestamp("ms", "UTC")).cast(COMMITTED)
    return found
