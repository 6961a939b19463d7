"""Replay dead letters of an Iceberg sink: append them to the dataset's raw table under their original Kafka position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import SystemRefused
from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.replay import Record
from headrace.streaming.blocks import UnreadableRecords
from headrace.streaming.changes import rows
from headrace.streaming.datasets import Served
from headrace.streaming.decode import Chunk, DeadLetter, decode
from headrace.streaming.patience import Patience
from headrace.streaming.registry import Writers, check_writer
from headrace.streaming.replay.records import as_batch, reasons
from headrace.streaming.writer import Writer
from headrace.systems.lake.hook import LakeHook
from headrace.systems.warehouse.arrow_types import Wanted

if TYPE_CHECKING:
    from pyiceberg.table import Table

META: Final = frozenset({"_op", "_lsn", "_committed_at", "_topic", "_kafka_partition", "_offset"})


class Raw:
    """Raw table of one dataset, as a `Destination`. No other process may replay into it at the same time."""

    def __init__(self, dataset: Served, table: str, lake: LakeHook, writers: Writers, patience: Patience) -> None:
        self._dataset = dataset
        self._name = table
        self._lake = lake
        self._writers = writers
        self._patience = patience

    def unreadable(self, records: Sequence[Record]) -> Mapping[Position, str]:
        """Return the records that still cannot be read, with reasons."""
        return reasons(records, self._decoded(self._lake.need(self._name), records)[1])

    def put(self, records: Sequence[Record], token: str) -> None:
        """Append the records that are missing, in one commit.

        It needs no token, because the position identifies a record.
        """

        def appended() -> None:
            from headrace.systems.lake.once import OnThisState

            table = self._lake.need(self._name)
            parts, dead = self._decoded(table, records)
            if dead:
                raise SystemRefused("letters", self._name, dead[0].reason)
            if not parts:  # tombstones only: raw holds none
                return
            whole = pa.concat_tables(parts)
            there = self._there(table, records)
            places = zip(whole["_kafka_partition"].to_pylist(), whole["_offset"].to_pylist(), strict=True)
            new = whole.filter(pa.array([place not in there for place in places], pa.bool_()))
            if new.num_rows:
                with OnThisState(table) as transaction:
                    transaction.append(new)

        self._lake.call(appended)

    def _decoded(self, table: Table, records: Sequence[Record]) -> tuple[list[pa.Table], list[DeadLetter]]:
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
        return decode(as_batch(records), self._writer, lambda chunk: landed(chunk, schema))

    def _writer(self, _: str, schema_id: int) -> Writer:
        return check_writer(self._dataset, self._patience.outlast(lambda: self._writers(schema_id)))

    def _there(self, table: Table, records: Sequence[Record]) -> set[tuple[int, int]]:
        from pyiceberg.expressions import And, EqualTo, In

        offsets = {record.position.offset for record in records}
        among = And(EqualTo("_topic", self._dataset.topic), In("_offset", offsets))  # type: ignore[call-arg, arg-type] # pydantic hides their __init__
        found = table.scan(row_filter=among, selected_fields=("_kafka_partition", "_offset")).to_arrow()
        return set(zip(found["_kafka_partition"].to_pylist(), found["_offset"].to_pylist(), strict=True))


def landed(chunk: Chunk, schema: pa.Schema) -> pa.Table:
    """Return the rows of a chunk as the sink writes them. Raises UnreadableRecords if a record cannot become a row."""
    target = {field.name: Wanted(_plain(field.type), True) for field in schema if field.name not in META}
    found = rows(chunk, target).table
    origin = found["_committed_at"].cast(pa.int64())
    meta = {
        # The sink gets milliseconds.
        "_committed_at": pc.multiply(pc.divide(origin, 1000), 1000).cast(pa.timestamp("us", "UTC")),
        "_topic": pa.chunked_array([pa.repeat(chunk.topic, found.num_rows)]),
    }
    try:
        columns = [_column(field, meta.get(field.name), found) for field in schema]
    except (pa.ArrowException, ValueError) as wrong:
        raise UnreadableRecords(str(wrong)) from None
    return pa.table(columns, schema=schema)


def _column(field: pa.Field, meta: pa.ChunkedArray | None, found: pa.Table) -> pa.ChunkedArray:
    if meta is not None:
        return meta.cast(field.type)
    if field.name not in found.column_names:
        return pa.chunked_array([pa.nulls(found.num_rows, field.type)])
    values = found[field.name]
    if _is_uuid(field.type):
        texts = values.combine_chunks().to_pylist()
        binary = pa.array([None if text is None else UUID(text).bytes for text in texts], pa.binary(16))
        return pa.chunked_array([binary.cast(field.type) if isinstance(field.type, pa.UuidType) else binary])
    return values.cast(field.type)


def _is_uuid(type_: pa.DataType) -> bool:
    return isinstance(type_, pa.UuidType)


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return the type to which a stream converts values: without large offsets, and a UUID as text."""
    if pa.types.is_large_string(type_) or _is_uuid(type_):
        return pa.string()
    if pa.types.is_large_binary(type_):
        return pa.binary()
    if pa.types.is_large_list(type_) or pa.types.is_list(type_):
        return pa.list_(_plain_field(type_.value_field))
    if pa.types.is_map(type_):
        return pa.map_(_plain(type_.key_type), _plain_field(type_.item_field))
    if pa.types.is_struct(type_):
        return pa.struct([_plain_field(field) for field in type_])
    return type_


def _plain_field(field: pa.Field) -> pa.Field:
    return pa.field(field.name, _plain(field.type), field.nullable)
