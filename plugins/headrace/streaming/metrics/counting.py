"""Query `metrics`: counts every change of a fact into the parts of its metrics, exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.errors import SystemRefused
from headrace.streaming.conform import conform
from headrace.streaming.datasets import Served
from headrace.streaming.dead_letters import DeadLetterWriter
from headrace.streaming.decode import Chunk, DeadLetter, decode
from headrace.streaming.metrics.decisions import DECISIONS, MAYBE_COUNTED, Decided, Decisions, divided
from headrace.streaming.metrics.deltas import Images, images, newest, signed
from headrace.streaming.metrics.lookup import Found
from headrace.streaming.metrics.once import STARTS, Once, newest_offsets
from headrace.streaming.metrics.rollups import by_record, roll_up
from headrace.streaming.metrics.snapshots import Snapshot, begun, joined, not_counted, snapshot_of
from headrace.streaming.metrics.spec import Metrics
from headrace.streaming.patience import Patience
from headrace.streaming.pulse import Done
from headrace.streaming.registry import Writers, check_writer
from headrace.streaming.sink import Insert, Sink
from headrace.streaming.targets import Targets
from headrace.streaming.writer import Meaning, Writer
from headrace.systems.warehouse.arrow_types import wanted

QUERY: Final = "metrics"
SNAPSHOTS: Final = "metrics.snapshots"


def queries(metrics: Sequence[Metrics]) -> dict[str, Metrics]:
    """Return query name → metrics, for the metrics of one stream group."""
    return {QUERY if len(metrics) == 1 else f"{QUERY}.{each.name}": each for each in metrics}


class MetricCounting:
    """Handler that counts batches of one fact's changes."""

    def __init__(
        self,
        metrics: Metrics,
        fact: Served,
        writers: Writers,
        sink: Sink,
        dead_letters: DeadLetterWriter,
        patience: Patience,
        is_served: Callable[[], bool],
    ) -> None:
        """Create it. `is_served` returns whether the lookup's dataset is served to its topic's end."""
        self._metrics = metrics
        self._fact = fact
        self._writers = writers
        self._sink = sink
        self._dead_letters = dead_letters
        self._patience = patience
        self._targets = Targets(sink, patience)
        self._decisions = Decisions(sink, patience)
        self._once = Once(sink, patience)
        self._found = Found(metrics.lookup, sink, patience, is_served)
        self._snapshots: list[Snapshot] | None = None
        self._newest: datetime | None = None
        self._dimensions: dict[str, str] = {}

    @property
    def topics(self) -> Sequence[str]:
        """Return the fact's topic."""
        return (self._fact.topic,)

    def serve(self, records: pa.Table, token: str) -> Done:
        """Count one batch. `token` identifies the batch and is the same at every try.

        Raises SystemUnavailable, SystemRefused or Stopped; part of the batch may then be counted.
        """
        self._resume()
        kept = self._decisions.of(token)
        made, dead = self._decided(records, token, kept)
        self.set_aside(dead)
        if made:
            lines = self._found.add(self._lines(made))
            parts = {rollup.table: roll_up(lines, self._metrics, rollup) for rollup in self._metrics.rollups}
            self._once.insert(parts, newest_offsets(records), token, tried=kept is not None)
            self._newest = max(filter(None, (self._newest, newest(made, self._metrics))), default=None)
        return Done(sum(part.now.num_rows for part in made), len(dead))

    def replay(self, records: pa.Table) -> None:
        """Count dead letters that are readable now. Each counts once, at any age and after any number of replays.

        Raises SystemUnavailable, SystemRefused, Stopped.
        """
        self._resume()
        made, dead = decode(records, self._writer, self._images)
        self.set_aside(dead)
        if made:
            lines = self._found.add(self._lines(made))
            parts = [(rollup.replayed, by_record(lines, self._metrics, rollup)) for rollup in self._metrics.rollups]
            self._sink.insert([Insert(table, rows) for table, rows in parts if rows.num_rows], self._patience)

    def _decided(
        self, records: pa.Table, token: str, kept: Sequence[Decided] | None
    ) -> tuple[list[Images], list[DeadLetter]]:
        """Return the counted images of a batch and its dead letters, as the first try decided."""
        if kept is None:
            made, dead = decode(records, self._writer, self._images)
            self._decisions.keep(token, dead)
            return made, dead
        decided, rest = divided(records, kept)
        made, late = decode(rest, self._writer, self._images)
        return made, [*decided, *(each._replace(reason=f"{each.reason}. {MAYBE_COUNTED}") for each in late)]

    def set_aside(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Write dead letters. Raises SystemUnavailable, Stopped."""
        if dead_letters:
            self._patience.outlast(lambda: self._dead_letters.write(dead_letters))

    def unreadable(self, records: pa.Table) -> list[DeadLetter]:
        """Return the records that `serve` could not count, as dead letters. Writes nothing."""
        self._resume()
        return decode(records, self._writer, self._images)[1]

    def _writer(self, _: str, schema_id: int) -> Writer:
        return check_writer(self._fact, self._patience.outlast(lambda: self._writers(schema_id)))

    def _images(self, chunk: Chunk) -> Images:
        columns = self._targets.columns(self._fact, chunk.writer.id)
        found = images(chunk, columns[self._fact.tables[0]], self._metrics)
        for part in (found.now, found.before):
            for name, type_ in self._dimensions.items() if part is not None else ():
                for values in part[name].chunks:  # type: ignore[index] # the loop is empty without a part
                    conform(
                        values, Meaning(), wanted(type_), name
                    )  # ClickHouse would wrap a number that is too large around
        return found

    def _lines(self, made: Sequence[Images]) -> pl.DataFrame:
        """Return the batch's signed lines, each with the snapshot of its count."""
        heads = joined([part.heads for part in made])
        known = self._snapshots or []
        fresh = begun(known, heads)
        if fresh:
            known = sorted({(s.partition, s.first_offset): s for s in (*known, *fresh)}.values())
            self._sink.insert([Insert(SNAPSHOTS, self._snapshot_rows(fresh))], self._patience)
            self._snapshots = known
        watermark = self._newest - self._metrics.lateness if self._newest else None
        lines = signed(made, self._metrics, watermark)
        skipped = not_counted(known, heads)
        if len(skipped):
            lines = lines.filter(~pl.col("_offset").is_in(pl.Series(skipped).cast(pl.UInt64).implode()))
        snapshots = snapshot_of(known, lines["_partition"].to_numpy(), lines["_offset"].to_numpy())
        return lines.with_columns(pl.Series("_snapshot", snapshots))

    def _snapshot_rows(self, snapshots: Sequence[Snapshot]) -> pa.Table:
        return pa.table(
            {
                "metrics": pa.array([self._metrics.name] * len(snapshots)),
                "partition": pa.array([s.partition for s in snapshots], pa.int32()),
                "first_offset": pa.array([s.first_offset for s in snapshots], pa.uint64()),
                "taken_at": pa.array(np.array([s.taken_us for s in snapshots], np.int64), pa.timestamp("us", "UTC")),
            }
        )

    def _resume(self) -> None:
        """Read the state of earlier drivers, once."""
        if self._snapshots is not None:
            return
        table = self._metrics.rollups[0].table
        rollups = self._metrics.rollups
        needed = {
            SNAPSHOTS,
            DECISIONS,
            STARTS,
            *(name for rollup in rollups for name in (rollup.table, rollup.replayed)),
        }
        there = self._patience.outlast(lambda: self._sink.columns(needed))
        missing = needed - set(there)
        if missing:
            raise SystemRefused(
                "warehouse",
                self._sink.address,
                f"there is no table {', '.join(sorted(missing))}; apply the contracts first",
            )
        looked_up = self._metrics.lookup.column
        self._dimensions = {name: there[r.table][name] for r in rollups for name in r.dimensions if name != looked_up}
        rows = self._patience.outlast(
            lambda: self._sink.query(
                f"SELECT partition, first_offset, toUnixTimestamp64Micro(taken_at) FROM {SNAPSHOTS} FINAL "  # noqa: S608
                "WHERE metrics = {name:String}",
                {"name": self._metrics.name},
            )
        )
        last = self._patience.outlast(
            lambda: self._sink.query(f"SELECT toUnixTimestamp(max(minute)), count() FROM {table}")  # noqa: S608
        )
        self._snapshots = [Snapshot(int(p), int(first), int(taken)) for p, first, taken in rows]
        self._newest = datetime.fromtimestamp(last[0][0], UTC) if last[0][1] else None
