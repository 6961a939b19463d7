"""Batch decoding of records of one writer schema."""

from __future__ import annotations

import pyarrow as pa

from headrace.streaming.writer import Writer
from headrace.systems.kafka import avro_blocks


class UnreadableRecords(Exception):
    """Error for a block with at least one unreadable record. The message has the reason."""

    def __init__(self, message: str, rule: str = "record") -> None:
        super().__init__(message)
        self.rule = rule
        """Rule that the record breaks."""


def read_block(writer: Writer, values: pa.BinaryArray) -> pa.RecordBatch:
    """Decode wire-format values of one writer schema, without nulls, into columns in the same order.

    Raises UnreadableRecords unless every value is exactly one record of the schema.
    """
    try:
        return avro_blocks.read_block(writer.header, values, writer.columns)
    except ValueError as error:
        raise UnreadableRecords(f"the record is not of schema id {writer.id}: {error}") from None
