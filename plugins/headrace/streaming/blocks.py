"""Many records of one writer schema, read in one call."""

from __future__ import annotations

import pyarrow as pa

from headrace.streaming.writer import Writer
from headrace.systems.kafka import avro_blocks


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
    try:
        return avro_blocks.read_block(writer.header, values, writer.columns)
    except ValueError as error:
        raise UnreadableRecords(f"the record is not of schema id {writer.id}: {error}") from None
