"""Reads rows of a lake table's snapshot as Arrow, and checks which Kafka offsets it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.table import Table

PART_ROWS: Final = 500_000


class Snapshot(NamedTuple):
    """Snapshot of a table, with its number of rows."""

    id: int
    rows: int


def current(table: Table) -> Snapshot | None:
    """Return the table's current snapshot; None if it was never written.

    Counts the rows, because with delete files the snapshot's summary has only an upper bound.
    """
    found = table.current_snapshot()
    if found is None:
        return None
    return Snapshot(found.snapshot_id, table.scan(snapshot_id=found.snapshot_id).count())


def parts(table: Table, snapshot: Snapshot, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows in parts of about `PART_ROWS`."""
    import pyarrow as pa

    reader = table.scan(snapshot_id=snapshot.id, selected_fields=tuple(columns)).to_arrow_batch_reader()
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(b.num_rows for b in held) >= PART_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def may_hold(table: Table, columns: Sequence[str], start: datetime, end: datetime) -> bool:
    """Return whether the table may hold a row with the time of one of the columns from `start` to before `end`.

    Reads only metadata: false is certain. The columns are dates or timestamps with a zone.
    """
    from pyiceberg.expressions import And, BooleanExpression, GreaterThanOrEqual, LessThan, LessThanOrEqual, Or
    from pyiceberg.types import DateType

    def within(column: str) -> BooleanExpression:
        if isinstance(table.schema().find_type(column), DateType):
            first, last = start.date().isoformat(), end.date().isoformat()
            return And(GreaterThanOrEqual(column, first), LessThanOrEqual(column, last))  # type: ignore[call-arg, arg-type] # pydantic hides their __init__
        return And(GreaterThanOrEqual(column, start.isoformat()), LessThan(column, end.isoformat()))  # type: ignore[call-arg, arg-type]

    first, *others = map(within, columns)
    return any(True for _ in table.scan(row_filter=Or(first, *others) if others else first).plan_files())


def not_in(raw: Table, places: Mapping[int, int]) -> dict[int, int]:
    """Return the places, Kafka partition → offset, that a raw table does not hold. File bounds limit what is read."""

    def rows_at(partition: int, offset: int) -> int:
        place = f"_kafka_partition = {partition} AND _offset = {offset}"
        return raw.scan(row_filter=place, selected_fields=("_offset",)).count()

    return {partition: offset for partition, offset in places.items() if not rows_at(partition, offset)}
