"""Conversion of a fact's changes to signed lines: the new row counts +1, the old row -1. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from headrace.streaming.changes import DELETED, before_images, rows
from headrace.streaming.decode import Chunk
from headrace.streaming.metrics.snapshots import READ, Heads
from headrace.streaming.metrics.spec import Metrics

RECOVERY: Final = "headrace.recovery"
"""Origin of the deletions that the recovery of a lost replication slot writes.
They are of rows that were deleted without a captured change. `origin_lsn` is then the offset at which the fresh snapshot
begins.
"""

SIGN: Final = "_sign"
META: Final = ("_kafka_partition", "_offset", "_op", "_committed_at", DELETED)


class Images(NamedTuple):
    """Row images of a chunk, and the columns that show where its snapshot begins."""

    now: pa.Table
    """Rows after each change; for a deletion the deleted row, marked."""
    before: pa.Table | None
    """Rows before each update."""
    heads: Heads


def images(chunk: Chunk, target: Mapping[str, str], metrics: Metrics) -> Images:
    """Return the images of a chunk. Raises UnreadableRecords in the same cases as the query `cdc`."""
    now = rows(chunk, target).table
    before = before_images(chunk, target)
    wanted = [*metrics.columns, *META]
    return Images(now.select(wanted), before.select(wanted) if before is not None else None, _heads(chunk))


def signed(parts: Sequence[Images], metrics: Metrics, watermark: datetime | None) -> pl.DataFrame:
    """Return the lines that the parts add (+1) and remove (-1), with `minute` and `late`.

    `late` is 1 on one line of each change with an event time before the watermark. Rows read by a snapshot are never
    late, because a snapshot has no order.
    """
    now = _frame([part.now for part in parts])
    before = _frame([part.before for part in parts if part.before is not None], like=now)
    event = pl.col(metrics.event_time)
    late = (event < watermark) & (pl.col("_op") != READ) if watermark else pl.lit(value=False)
    lines = pl.concat(
        [
            now.with_columns((1 - 2 * pl.col(DELETED).cast(pl.Int64)).alias(SIGN), late.cast(pl.UInt64).alias("late")),
            before.with_columns(pl.lit(-1, pl.Int64).alias(SIGN), pl.lit(0, pl.UInt64).alias("late")),
        ]
    )
    lines = lines.rename({"_kafka_partition": "_partition"})
    return lines.with_columns(event.dt.truncate("1m").cast(pl.Datetime("ms", "UTC")).alias("minute"))


def newest(parts: Sequence[Images], metrics: Metrics) -> datetime | None:
    """Return the newest event time of the parts.

    A later event time than the commit counts as the commit time. Otherwise a wrong clock would make all later events
    late.
    """
    instants = []
    for part in parts:
        events, commits = part.now[metrics.event_time], part.now["_committed_at"]
        events = events.cast(commits.type)
        instants.append(pc.max(pc.if_else(pc.less(events, commits), events, commits)).as_py())
    return max((instant for instant in instants if instant is not None), default=None)


def _frame(tables: Sequence[pa.Table], like: pl.DataFrame | None = None) -> pl.DataFrame:
    if not tables:
        assert like is not None
        return like.clear()
    frame = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _heads(chunk: Chunk) -> Heads:
    columns = chunk.columns
    if not chunk.writer.is_envelope:
        zeros = np.zeros(columns.num_rows, np.int64)
        return Heads(
            chunk.records["partition"].to_numpy(),
            chunk.records["offset"].to_numpy(),
            zeros.astype(bool),
            zeros,
            zeros - 1,
        )
    recovered = pa.nulls(columns.num_rows, pa.int64())
    if "source_origin" in columns.schema.names:
        own = pc.fill_null(pc.equal(columns["source_origin"], RECOVERY), fill_value=False)
        recovered = pc.if_else(own, columns["source_origin_lsn"], pa.scalar(None, pa.int64()))
    return Heads(
        chunk.records["partition"].to_numpy(),
        chunk.records["offset"].to_numpy(),
        pc.equal(columns["op"], READ).to_numpy(zero_copy_only=False),
        pc.fill_null(columns["source_ts_us"], 0).to_numpy(zero_copy_only=False),
        pc.fill_null(recovered, -1).to_numpy(zero_copy_only=False),
    )
