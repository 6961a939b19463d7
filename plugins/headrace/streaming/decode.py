"""Kafka records → columns by writer schema; what cannot be read is set aside, its neighbours pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import SystemFailure
from headrace.streaming.blocks import UnreadableRecords, read_block
from headrace.streaming.patience import Stopped
from headrace.streaming.writer import FRAME_BYTES, UnreadableSchema, Writer

Made = TypeVar("Made")


class DeadLetter(NamedTuple):
    """A record that cannot be served, and why."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    reason: str
    rule: str = "record"
    """Name of the broken rule: that of `UnreadableSchema` or `UnreadableRecords`."""
    recorded_at: datetime | None = None
    """The record's own timestamp."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one topic that one schema wrote: as they came, and as columns, row for row."""

    topic: str
    writer: Writer
    records: pa.Table
    columns: pa.RecordBatch


NOTHING: Final = pa.RecordBatch.from_arrays([], [])

CONVERSION: Final = "conversion"
"""Rule of a dead letter whose record failed in a way that nobody foresaw."""

Step = Callable[[Chunk], Made]
"""Makes something of a chunk. Raises UnreadableRecords when a record of it cannot be served."""


def decode(
    records: pa.Table, writer_of: Callable[[str, int], Writer], step: Step[Made]
) -> tuple[list[Made], list[DeadLetter]]:
    """What `step` makes of the batch, chunk by chunk, and the records that cannot be served.

    `writer_of` gives the writer of a topic and a schema id, or raises UnreadableSchema. Tombstones are left out. A chunk
    in which a record fails, for whatever reason, is halved until the record stands alone; `step` may therefore see a
    chunk's records more than once, and what it returns for a part that failed is never used.

    Raises SystemUnavailable, SystemRefused and Stopped as they come from `writer_of` and `step`.
    """
    made: list[Made] = []
    dead: list[DeadLetter] = []
    for topic, part in _by_topic(records):
        for schema_id, rows in _by_schema(part):
            try:
                if schema_id is None:
                    raise UnreadableSchema("the value is not in the registry's wire format", "wire-format")
                writer = writer_of(topic, schema_id)
            except UnreadableSchema as unreadable:
                dead += dead_letters(rows, str(unreadable), unreadable.rule)
                continue
            _read(Chunk(topic, writer, rows, NOTHING), step, made, dead)
    return made, dead


def _read(whole: Chunk, step: Step[Made], made: list[Made], dead: list[DeadLetter]) -> None:
    """Add what comes of a chunk whose columns are still to be read, in the order of its records."""
    pending = [whole.records]
    while pending:
        part = pending.pop()
        try:
            columns = read_block(whole.writer, part["value"].combine_chunks())
            result = step(Chunk(whole.topic, whole.writer, part, columns))
        except (SystemFailure, Stopped, OSError, MemoryError):  # not the record's fault
            raise
        except Exception as error:
            if part.num_rows == 1:
                dead += dead_letters(part, *_why(error))
                continue
            half = part.num_rows // 2
            pending += [part.slice(half), part.slice(0, half)]  # a stack: the first half comes next
        else:
            made.append(result)


def _why(error: Exception) -> tuple[str, str]:
    """Reason and rule of a dead letter."""
    if isinstance(error, UnreadableRecords):
        return str(error), error.rule
    return f"{type(error).__name__}: {error}", CONVERSION


def _by_topic(records: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    if records["value"].null_count:
        records = records.filter(pc.is_valid(records["value"]))
    topics = pc.unique(records["topic"]).to_pylist()
    for topic in topics:
        part = records if len(topics) == 1 else records.filter(pc.equal(records["topic"], topic))
        yield topic, part.combine_chunks()


def _by_schema(records: pa.Table) -> Iterator[tuple[int | None, pa.Table]]:
    """Parts by schema id; None for values that are in no wire format."""
    ids = schema_ids(records["value"].chunk(0)) if records.num_rows else np.empty(0, np.int64)
    for schema_id in np.unique(ids):
        same = ids == schema_id
        part = records if same.all() else records.filter(pa.array(same))
        yield (None if schema_id < 0 else int(schema_id)), part


def schema_ids(values: pa.BinaryArray) -> np.ndarray:
    """Schema id of each value in the wire format (a zero byte, four bytes of id, the record); -1 for any other."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    framed = np.diff(offsets) >= FRAME_BYTES
    starts = np.where(framed, offsets[:-1], 0).astype(np.int64)
    if not framed.any():
        return np.full(len(values), -1, np.int64)
    heads = data[starts[:, None] + np.arange(FRAME_BYTES)].astype(np.int64)
    ids = heads[:, 1] << 24 | heads[:, 2] << 16 | heads[:, 3] << 8 | heads[:, 4]
    return np.where(framed & (heads[:, 0] == 0), ids, -1)


def dead_letters(records: pa.Table, reason: str, rule: str) -> list[DeadLetter]:
    """The records, each as a dead letter."""
    columns = (records[name].to_pylist() for name in ("topic", "partition", "offset", "key", "value", "timestamp"))
    return [
        DeadLetter(topic, partition, offset, key, value, reason, rule, at)
        for topic, partition, offset, key, value, at in zip(*columns, strict=True)
    ]
