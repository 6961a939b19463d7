"""A streaming query: Spark plans its batches and keeps their offsets; what is planned is read and served here."""

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
"""How Spark's status begins while a query is well and has nothing to do."""
ABSENT_S: Final = 10.0
"""How often a topic that was not there is asked for again."""
REASON: Final = 1000
"""Most characters of a failure that are kept."""


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
        """Raises SystemUnavailable when Kafka does not answer, or has none of the topics."""
        self.pulse = pulse
        self._identity = threading.Event()
        self._token = ""
        self.failure = ""
        handler = spec.make_handler(pulse)
        self._reader = RangeReader(settings.kafka, settings.kafka_options)
        there = self._reader.existing(handler.topics)
        self._absent = frozenset(handler.topics) - set(there)
        self._asked_at = time.monotonic()
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
        # The id is the checkpoint's: a checkpoint made anew numbers its batches from 0 again.
        self._token = f"{group}:{spec.name}:{self.query.id}"
        self._identity.set()

    @property
    def stale(self) -> bool:
        """Whether a topic that was not there when the query started is there now; asked now and then."""
        if not self._absent or time.monotonic() - self._asked_at < ABSENT_S:
            return False
        if not self._one_at_a_time.acquire(blocking=False):
            return False
        self._asked_at = time.monotonic()
        try:
            return bool(self._reader.existing(self._absent))
        except SystemFailure:
            return False
        finally:
            self._one_at_a_time.release()

    def close(self) -> None:
        """Stop it; its last batch is done again after the next start."""
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
            self.pulse.lag = lag(seen)
        self._retry()

    def _retry(self) -> None:
        """Try what is held also while no batch comes."""
        if not self._one_at_a_time.acquire(blocking=False):
            return
        try:
            self._batches.retry()
        except (SystemFailure, Stopped) as error:
            log.warning("%s: what is held is tried again later: %s", self.pulse.query, error)
        finally:
            self._one_at_a_time.release()

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
            "failOnDataLoss": "false",  # what is lost is found, and told, where it is read: `batches`
            "kafka.isolation.level": "read_committed",
            "maxOffsetsPerTrigger": str(settings.batch_records),
            **{f"kafka.{name}": value for name, value in as_java(settings.kafka_options).items()},
        }
    )
    return reader.load()
