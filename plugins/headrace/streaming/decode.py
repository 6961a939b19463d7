"""Decoding of Kafka records into columns by writer schema. Unreadable records become dead letters."""

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
    """A record that cannot be served, with the reason."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    reason: str
    rule: str = "record"
    """Broken rule: that of `UnreadableSchema` or `UnreadableRecords`."""
    recorded_at: datetime | None = None
    """Timestamp of the record."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one topic and one writer schema, raw and as columns, row for row."""

    topic: str
    writer: Writer
    records: pa.Table
    columns: pa.RecordBatch


NOTHING: Final = pa.RecordBatch.from_arrays([], [])

CONVERSION: Final = "conversion"
"""Rule of a dead letter whose record caused an unexpected error."""

Step = Callable[[Chunk], Made]
"""Function that converts a chunk. Raises UnreadableRecords if a record of it cannot be served."""


def decode(
    records: pa.Table, writer_of: Callable[[str, int], Writer], step: Step[Made]
) -> tuple[list[Made], list[DeadLetter]]:
    """Decode the batch and apply `step` to each chunk; return its results and the dead letters.

    `writer_of` returns the writer of a topic and a schema id, or raises UnreadableSchema. Tombstones are left out. A
    chunk in which a record fails, for any reason, is halved until the record is alone. So `step` may see a chunk's
    records more than once; its result for a failed part is discarded.

    Raises SystemUnavailable, SystemRefused and Stopped from `writer_of` and `step`.
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
                dead += as_dead_letters(rows, str(unreadable), unreadable.rule)
                continue
            _read(Chunk(topic, writer, rows, NOTHING), step, made, dead)
    return made, dead


def _read(whole: Chunk, step: Step[Made], made: list[Made], dead: list[DeadLetter]) -> None:
    """Decode a chunk and apply `step`; append results and dead letters in the order of the records."""
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
                dead += as_dead_letters(part, *_why(error))
                continue
            half = part.num_rows // 2
            pending += [part.slice(half), part.slice(0, half)]  # a stack: the first half is next
        else:
            made.append(result)


def _why(error: Exception) -> tuple[str, str]:
    """Return the reason and the rule of a dead letter."""
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
    """Yield the parts by schema id; None for values not in the wire format."""
    ids = schema_ids(records["value"].chunk(0)) if records.num_rows else np.empty(0, np.int64)
    for schema_id in np.unique(ids):
        same = ids == schema_id
        part = records if same.all() else records.filter(pa.array(same))
        yield (None if schema_id < 0 else int(schema_id)), part


def schema_ids(values: pa.BinaryArray) -> np.ndarray:
    """Return the schema id of each value; -1 for values not in the wire format.

    The wire format is a zero byte, four bytes of id, and the record.
    """
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    framed = np.diff(offsets) >= FRAME_BYTES
    starts = np.where(framed, offsets[:-1], 0).astype(np.int64)
    if not framed.any():
        return np.full(len(values), -1, np.int64)
    heads = data[starts[:, None] + np.arange(FRAME_BYTES)].astype(np.int64)
    ids = heads[:, 1] << 24 | heads[:, 2] << 16 | heads[:, 3] << 8 | heads[:, 4]
    return np.where(framed & (heads[:, 0] == 0), ids, -1)


def as_dead_letters(records: pa.Table, reason: str, rule: str) -> list[DeadLetter]:
    """Return each record as a dead letter."""
    columns = (records[name].to_pylist() for name in ("topic", "partition", "offset", "key", "value", "timestamp"))
    return [
        DeadLetter(topic, partition, offset, key, value, reason, rule, at)
        for topic, partition, offset, key, value, at in zip(*columns, strict=True)
    ]
