"""Streaming driver of one stream group: the process that runs and supervises its queries.

Runs until SIGTERM or SIGINT (exit 0), or until its JVM dies (exit 1). A failed query restarts from its
checkpoint while the others continue. If all of them fail too often, they stay down, and the heartbeat reports that.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.contracts.names import dead_letter_topic
from headrace.streaming.batches import Handler
from headrace.streaming.datasets import Served, wait_for_plan
from headrace.streaming.dead_letters import DeadLetters
from headrace.streaming.heartbeat import Heartbeat
from headrace.streaming.metrics.counting import MetricCounting, queries
from headrace.streaming.metrics.spec import Metrics
from headrace.streaming.patience import Patience
from headrace.streaming.pulse import Pulse
from headrace.streaming.queries import QuerySpec, RunningQuery
from headrace.streaming.registry import Writers
from headrace.streaming.serving import QUERY as CHANGES
from headrace.streaming.serving import ChangeServing
from headrace.streaming.session import make_session
from headrace.streaming.settings import StreamSettings
from headrace.streaming.sink import Sink
from headrace.streaming.supervise import Limits, Supervised

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POLL_S: Final = 1.0
"""Seconds between two health checks of the queries."""

log = logging.getLogger(__name__)


class Driver:
    """Queries of one group in one Spark session."""

    def __init__(
        self,
        group: str,
        settings: StreamSettings,
        datasets: Sequence[Served],
        version: str,
        metrics: Sequence[Metrics],
        stopping: threading.Event,
    ) -> None:
        """Create the driver. `metrics` has all metrics; those whose fact is in the group are counted."""
        self.group = group
        self.settings = settings
        self._version = version
        self.stopping = stopping
        self._writers = Writers.at(settings.registry, settings.registry_user, settings.registry_password)
        self._sink = Sink(settings.clickhouse())
        self._datasets = {dataset.id: dataset for dataset in datasets}
        self._by_topic = {dataset.topic: dataset.id for dataset in datasets}
        self._metrics = [each for each in metrics if self._is_counted(each)]
        self._queries: list[Supervised] = []
        self.pulses = [Pulse(spec.name) for spec in self._specs()]

    def run(self, session: SparkSession) -> None:
        """Keep the queries running until `stopping` is set."""
        heartbeat = Heartbeat(
            self.settings.platform_dsn, self.group, self._version, lambda: self.pulses, self._by_topic
        )
        heartbeat.start()
        self._queries = [
            self._supervised(session, spec, pulse) for spec, pulse in zip(self._specs(), self.pulses, strict=True)
        ]
        log.info("stream group %s is up", self.group)
        while not self.stopping.is_set():
            for query in self._queries:
                query.tend()
            if all(query.exhausted for query in self._queries):  # the cause is not a single dataset
                for query in self._queries:
                    query.give_up()
            self.stopping.wait(POLL_S)
        for query in self._queries:
            query.stop()
        heartbeat.stop()

    def _is_counted(self, metrics: Metrics) -> bool:
        """Return whether the group counts the metric. Only captured facts have the old row that a change takes back."""
        fact = self._datasets.get(metrics.fact)
        if fact and not fact.captured:
            log.error(
                "metric %s is not counted: a record of %s does not say which row it replaces", metrics.name, fact.id
            )
        return fact is not None and fact.captured

    def _specs(self) -> list[QuerySpec]:
        """Return the queries: `cdc` first, then one per metric's fact."""
        changes = QuerySpec(CHANGES, self._changes, self.settings.trigger_ms)
        counts = [
            QuerySpec(name, partial(self._counts, metrics), self.settings.metrics_trigger_ms)
            for name, metrics in queries(self._metrics).items()
        ]
        return [changes, *counts]

    def _changes(self, pulse: Pulse) -> Handler:
        datasets = self._datasets.values()
        return ChangeServing(datasets, self._writers, self._sink, self._dead_letters(pulse), self._patience(pulse))

    def _counts(self, metrics: Metrics, pulse: Pulse) -> Handler:
        fact = self._datasets[metrics.fact]
        is_served = partial(self._is_served, metrics.lookup.dataset)
        dead_letters = self._dead_letters(pulse)
        return MetricCounting(metrics, fact, self._writers, self._sink, dead_letters, self._patience(pulse), is_served)

    def _dead_letters(self, pulse: Pulse) -> DeadLetters:
        """Return a query's dead-letter writer.

        Each query has its own, since a schema may arrive between two queries.
        """
        topic = dead_letter_topic(self.group)
        return DeadLetters(topic, pulse.query, self.settings.kafka, self.settings.kafka_options)

    def _is_served(self, dataset: str) -> bool:
        """Return whether `cdc` has served the dataset to its topic's end. True for a dataset of another group."""
        served = self._datasets.get(dataset)
        running = self._queries[0].running
        return served is None or (running is not None and running.caught_up(served.topic))

    def _patience(self, pulse: Pulse) -> Patience:
        return Patience(self.settings.patience_s, pulse.waits, self.stopping)

    def _supervised(self, session: SparkSession, spec: QuerySpec, pulse: Pulse) -> Supervised:
        limits = Limits(self.settings.restarts, self.settings.restart_window_s)
        return Supervised(pulse, lambda: RunningQuery(session, self.group, spec, self.settings, pulse), limits)


def main(metrics: Sequence[Metrics], arguments: Sequence[str] | None = None) -> int:
    """Run the driver of the given group; return the exit code."""
    parser = argparse.ArgumentParser(description="Run the streaming driver of one stream group.")
    parser.add_argument("--group", required=True, help="name of the stream group in the contracts")
    group = parser.parse_args(arguments).group
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("py4j", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = StreamSettings.from_environ(os.environ)
        session = make_session(settings, f"headrace-{group}")  # it has no heartbeat yet: a slow start is no stall
        if plan := wait_for_plan(Path(settings.contracts), group, stopping):
            Driver(group, settings, *plan, metrics, stopping).run(session)
    except ValueError as error:
        log.error("%s", error)
        return 2
    except Exception:
        log.exception("the driver of %s failed", group)
        return 1
    return 0
