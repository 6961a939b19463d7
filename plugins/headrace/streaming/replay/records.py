"""Conversion of dead letters to the batches that the stream's handlers take."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from headrace.services.dead_letters.record import Position
from headrace.services.dead_letters.replay import Record
from headrace.streaming.decode import DeadLetter


def as_batch(records: Sequence[Record]) -> pa.Table:
    """Return the records as a batch: topic, partition, offset, timestamp, key and value."""
    return pa.table(
        {
            "topic": pa.array([record.position.topic for record in records], pa.string()),
            "partition": pa.array([record.position.partition for record in records], pa.int32()),
            "offset": pa.array([record.position.offset for record in records], pa.int64()),
            "timestamp": pa.array([record.kept.at for record in records], pa.timestamp("us", "UTC")),
            "key": pa.array([record.kept.key for record in records], pa.binary()),
            "value": pa.array([record.kept.payload for record in records], pa.binary()),
        }
    )


def reasons(records: Sequence[Record], dead: Sequence[DeadLetter]) -> dict[Position, str]:
    """Return position → reason, of the records that cannot be read."""
    places = {record.position[1:]: record.position for record in records}
    return {places[each.topic, each.partition, each.offset]: each.reason for each in dead}
