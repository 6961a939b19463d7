"""Many Avro records read in one call, and proof that each was read from its own bytes.

The values of a batch lie end to end in one buffer; behind a file header that is a block of an Avro file. The danger: a
record that is cut short or has a wrong length in it lets the reader slide into its neighbours, and what it makes of them
can look right. So a random number is laid after every record, and the schema reads it back as the record's last field.
A record whose mark comes back unchanged ended exactly where its bytes end, hence the next one began where its own begin;
to slide and hit a mark by accident has a chance of 2^-52.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.systems.kafka import avro_blocks
from include.spark.streaming.writer import MARK, MARK_BYTES, Writer

_RANDOM: Final = np.random.default_rng()


class UnreadableRecords(Exception):
    """At least one record among those given cannot be read; the message says why."""

    def __init__(self, message: str, rule: str = "record") -> None:
        super().__init__(message)
        self.rule = rule
        """Name of the rule that the record breaks."""


def read_block(writer: Writer, values: pa.BinaryArray) -> pa.RecordBatch:
    """The records of one writer schema, whole wire-format values without nulls, as columns in the same order.

    Raises UnreadableRecords when not every value is exactly one record of the schema.
    """
    count = len(values)
    marks = _RANDOM.random(count)
    marked = pc.binary_join_element_wise(values, _as_binary(marks), b"")
    try:
        columns = avro_blocks.read_block(writer.header, count, _contents(marked), writer.columns)
    except ValueError as error:
        raise UnreadableRecords(f"the record is not of schema id {writer.id}: {error}") from None
    if columns.num_rows != count or not np.array_equal(columns[MARK].to_numpy(), marks):
        raise UnreadableRecords(f"the record's length is not what schema id {writer.id} says")
    return columns


def _as_binary(marks: np.ndarray) -> pa.BinaryArray:
    offsets = np.arange(0, (len(marks) + 1) * MARK_BYTES, MARK_BYTES, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(marks)]
    return pa.Array.from_buffers(pa.binary(), len(marks), buffers)


def _contents(values: pa.BinaryArray) -> memoryview:
    """The bytes of all values, end to end."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return memoryview(values.buffers()[2])[offsets[0] : offsets[-1]]
