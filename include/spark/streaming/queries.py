"""A streaming query: Spark's part of it, and how it is started again."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa

from include.spark.streaming.pulse import Done, Pulse
from include.spark.streaming.settings import StreamSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

log = logging.getLogger(__name__)

IDLE: Final = ("Waiting for", "Getting offsets", "Initializing")
"""How Spark's status begins while a query is well and has nothing to do."""
REASON: Final = 1000
"""Most characters of a failure that are kept."""


class Handler(Protocol):
    """Serves the batches of one query."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics that it wants."""

    def serve(self, records: pa.Table, token: str) -> Done:
        """Serve one batch; `token` is the same at every try of it."""


class BatchFailed(Exception):
    """A batch could not be served; the message is one short line."""


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """What a query is, apart from the session it runs in."""

    name: str
    make_handler: Callable[[Pulse], Handler]
    """Makes a handler; a query that starts again gets a new one."""
    trigger_ms: int


class RunningQuery:
    """One start of a query."""

    def __init__(
        self, session: SparkSession, group: str, spec: QuerySpec, settings: StreamSettings, pulse: Pulse
    ) -> None:
        self.pulse = pulse
        self._handler = spec.make_handler(pulse)
        self._identity = threading.Event()
        self._token = ""
        self.failure = ""
        stream = _source(session, self._handler.topics, settings)
        checkpoint = f"{settings.checkpoints.rstrip('/')}/{spec.name}"
        self.query: StreamingQuery = (
            stream.writeStream.foreachBatch(self._batch)
            .queryName(spec.name)
            .option("checkpointLocation", checkpoint)
            .trigger(processingTime=f"{spec.trigger_ms} milliseconds")
            .start()
        )
        # The id is the checkpoint's: a checkpoint made anew numbers its batches from 0 again.
        self._token = f"{group}:{spec.name}:{self.query.id}"
        self._identity.set()

    def _batch(self, frame: DataFrame, batch_id: int) -> None:
        self._identity.wait()
        try:
            records = frame.toArrow()
            done = self._handler.serve(records, f"{self._token}:{batch_id}") if records.num_rows else Done()
            if done.held:
                raise BatchFailed("; ".join(f"{topic} is not served: {why}" for topic, why in done.held.items()))
        except Exception as error:
            self.failure = " ".join(str(error).split())[:REASON] or type(error).__name__
            log.warning("%s: batch %d failed: %s", self.pulse.query, batch_id, self.failure)
            # One short line: Spark searches the whole message with a regular expression that recurses once a letter.
            raise BatchFailed(self.failure[:REASON]) from None
        self.pulse.batch(batch_id, done)

    def look(self) -> None:
        """Note whether the query is well, and how far behind it is."""
        status = self.query.status
        if not status["isTriggerActive"] or str(status["message"]).startswith(IDLE):
            self.pulse.moved()
        progress = self.query._jsq.lastProgress()  # parsed by us: pyspark's way costs 5 ms
        if progress is not None:
            seen = json.loads(progress.json())
            self.pulse.rows_per_s = float(seen.get("processedRowsPerSecond") or 0.0)
            self.pulse.lag = lag(seen)

    def why_it_ended(self) -> str:
        """Why the query is no longer active, in one line."""
        if self.failure:
            return self.failure
        error = self.query.exception()
        return " ".join(str(error).split())[:REASON] if error else "it was stopped"

    def caught_up(self, topic: str) -> bool:
        """Whether the query's last batch went to the topic's end, as Spark saw it."""
        progress = self.query._jsq.lastProgress()
        return progress is not None and not _behind(json.loads(progress.json())).get(topic, 1)


def lag(progress: dict[str, Any]) -> int:
    """Kafka records between what was read and what there is, of a query's progress report."""
    return sum(_behind(progress).values())


def _behind(progress: dict[str, Any]) -> dict[str, int]:
    """The same by topic; a topic without records is not behind."""
    behind: dict[str, int] = {}
    for source in progress.get("sources", ()):
        read = source.get("endOffset") or {}
        for topic, ends in (source.get("latestOffset") or {}).items():
            at = read.get(topic, {})
            behind[topic] = sum(max(0, int(end) - int(at.get(partition, 0))) for partition, end in ends.items())
    return behind


def _source(session: SparkSession, topics: Sequence[str], settings: StreamSettings) -> DataFrame:
    reader = session.readStream.format("kafka").options(
        **{
            "kafka.bootstrap.servers": settings.kafka,
            "subscribe": ",".join(topics),
            "startingOffsets": "earliest",
            "failOnDataLoss": "true",
            "kafka.isolation.level": "read_committed",
            # What the consumer asked for past a batch's end is void where the next batch begins behind a transaction's
            # marker, and it asks again only when the broker has answered: it must not wait long.
            "kafka.fetch.max.wait.ms": "2",
            "kafka.max.partition.fetch.bytes": str(8 << 20),
            "kafka.fetch.max.bytes": str(16 << 20),
            "maxOffsetsPerTrigger": str(settings.batch_records),
            **{f"kafka.{name}": value for name, value in settings.kafka_options.items()},
        }
    )
    return reader.load().select("topic", "partition", "offset", "timestamp", "key", "value")
