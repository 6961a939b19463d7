"""A read_committed consumer of one topic that decodes nothing and notes when each record reached it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.watch.watcher import Seen, serve
from headrace.systems.endpoint import Endpoint
from headrace.systems.kafka.hook import KafkaHook


def watch(told: Mapping[str, Any], ready: Callable[[], None], stop: threading.Event) -> Seen:
    """`told`: config (librdkafka's), topic, start (partition → offset)."""
    from confluent_kafka import TopicPartition

    kafka = KafkaHook(Endpoint(extra=told["config"]))
    consumer = kafka.consumer(**{"enable.partition.eof": False, "fetch.wait.max.ms": 100})
    consumer.assign([TopicPartition(told["topic"], int(p), offset) for p, offset in told["start"].items()])
    at: dict[tuple[int, int], int] = {}
    ready()
    while not stop.is_set():
        # One record wakes it; the others that came with it are taken along.
        messages: list[Any] = consumer.consume(1, timeout=0.2)
        messages += consumer.consume(1000, timeout=0) if messages else []
        now_us = time.time_ns() // 1000
        at.update({(m.partition(), m.offset()): now_us for m in messages if m.error() is None})
    consumer.close()
    return Seen(at, ())


if __name__ == "__main__":
    serve(watch)
