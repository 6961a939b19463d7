"""Streaming query: Spark plans the batches and keeps the offsets; this module reads and serves them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import SystemFailure, SystemUnavailable
from headrace.streaming.batches import Batches, Handler
from headrace.streaming.holds import HadoopStore, Holds
from headrace.streaming.offsets import logged, planned
from headrace.streaming.patience import Stopped
from headrace.streaming.pulse import Pulse
from headrace.streaming.reading import RangeReader
from headrace.streaming.settings import StreamSettings
from headrace.systems.kafka.login import as_java

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

log = logging.getLogger(__name__)

IDLE: Final = ("Waiting for", "Getting offsets", "Initializing")
"""Prefixes of Spark's status message while a query is healthy and idle."""
ABSENT_S: Final = 10.0
"""Seconds between two checks whether an absent topic exists."""
REASON: Final = 1000
"""Maximum length of a stored failure, in characters."""


class BatchFailed(Exception):
    """Error for a batch that could not be served. The message is one short line."""


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """Definition of a query, independent of its session."""

    name: str
    make_handler: Callable[[Pulse], Handler]
    """Factory of the handler; a restarted query gets a new one."""
    trigger_ms: int


class RunningQuery:
    """One run of a query."""

    def __init__(
        self, session: SparkSession, group: str, spec: QuerySpec, settings: StreamSettings, pulse: Pulse
    ) -> None:
        """Start the query. Raises SystemUnavailable if Kafka does not answer, or has none of the topics."""
        self.pulse = pulse
        self._identity = threading.Event()
        self._token = ""
        self.failure = ""
        handler = spec.make_handler(pulse)
        self._reader = RangeReader(settings.kafka, settings.kafka_options)
        there = self._reader.existing(handler.topics)
        self._absent = frozenset(handler.topics) - set(there)
        self._checked_at = time.monotonic()
        if not there:
            raise SystemUnavailable("kafka", settings.kafka, f"there is no topic {', '.join(handler.topics)} yet")
        checkpoint = f"{settings.checkpoints.rstrip('/')}/{spec.name}"
        store = HadoopStore(session._jvm, session._jsc.hadoopConfiguration(), f"{checkpoint}/headrace")
        self._batches = Batches(handler, self._reader, Holds.read(store), pulse, absent=self._absent)
        self._one_at_a_time = threading.Lock()
        stream = _source(session, there, settings)
        self.query: StreamingQuery = (
            stream.writeStream.foreachBatch(self._batch)
            .queryName(spec.name)
            .option("checkpointLocation", checkpoint)
            .trigger(processingTime=f"{spec.trigger_ms} milliseconds")
            .start()
        )
        # The id is that of the checkpoint: a new checkpoint numbers its batches from 0 again.
        self._token = f"{group}:{spec.name}:{self.query.id}"
        self._identity.set()

    @property
    def stale(self) -> bool:
        """Return whether a topic that was absent at the query's start exists now.

        Checks at most every ABSENT_S seconds.
        """
        if not self._absent or time.monotonic() - self._checked_at < ABSENT_S:
            return False
        if not self._one_at_a_time.acquire(blocking=False):
            return False
        self._checked_at = time.monotonic()
        try:
            return bool(self._reader.existing(self._absent))
        except SystemFailure:
            return False
        finally:
            self._one_at_a_time.release()

    def close(self) -> None:
        """Stop the query. Its last batch is repeated after the next start."""
        if self.query.isActive:
            self.query.stop()
        self._reader.close()

    def _batch(self, _: DataFrame, batch_id: int) -> None:
        self._identity.wait()
        try:
            with self._one_at_a_time:
                before = logged(self.query, batch_id - 1) if batch_id else {}
                ranges = planned(before, logged(self.query, batch_id), self._batches.first)
                done = self._batches.serve(ranges, f"{self._token}:{batch_id}").plus(self._batches.retry())
        except Exception as error:
            self.failure = " ".join(str(error).split())[:REASON] or type(error).__name__
            log.warning("%s: batch %d failed: %s", self.pulse.query, batch_id, self.failure)
            # One short line: Spark searches the message with a regular expression that recurses once per character.
            raise BatchFailed(self.failure[:REASON]) from None
        self.pulse.batch(batch_id, done)

    def poll(self) -> None:
        """Update the pulse with the query's health and lag, and retry held topics."""
        status = self.query.status
        if not status["isTriggerActive"] or str(status["message"]).startswith(IDLE):
            self.pulse.moved()
        progress = self.query._jsq.lastProgress()  # parsed here: pyspark's parser takes 5 ms
        if progress is not None:
            seen = json.loads(progress.json())
            self.pulse.lag = lag(seen)
        self._retry()

    def _retry(self) -> None:
        """Retry held topics also while there is no batch."""
        if not self._one_at_a_time.acquire(blocking=False):
            return
        try:
            self._batches.retry()
        except (SystemFailure, Stopped) as error:
            log.warning("%s: held topics are retried later: %s", self.pulse.query, error)
        finally:
            self._one_at_a_time.release()

    def why_it_ended(self) -> str:
        """Return why the query is no longer active, in one line."""
        if self.failure:
            return self.failure
        error = self.query.exception()
        return " ".join(str(error).split())[:REASON] if error else "it was stopped"

    def caught_up(self, topic: str) -> bool:
        """Return whether the query's last batch reached the topic's end, as Spark reported it."""
        progress = self.query._jsq.lastProgress()
        return progress is not None and not _behind(json.loads(progress.json())).get(topic, 1)


def lag(progress: dict[str, Any]) -> int:
    """Return the lag of a query's progress report: Kafka records not read yet."""
    return sum(_behind(progress).values())


def _behind(progress: dict[str, Any]) -> dict[str, int]:
    """Return the lag by topic; it is 0 for a topic without records."""
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
            "failOnDataLoss": "false",  # `batches` detects and reports lost records
            "kafka.isolation.level": "read_committed",
            "maxOffsetsPerTrigger": str(settings.batch_records),
            **{f"kafka.{name}": value for name, value in as_java(settings.kafka_options).items()},
        }
    )
    return reader.load()
