"""What the reader believes about a partition: only what a broker has said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from headrace.errors import SystemUnavailable
from headrace.streaming.reading import Range, RangeReader

PLACE = ("t", 0)


@dataclass
class Topic:
    """A topic as metadata tells of it."""

    partitions: dict[int, None] = field(default_factory=lambda: {0: None})
    error: KafkaError | None = None


@dataclass
class Client:
    """Stands for a client that does not know the partition; `topics` is what a broker answers, None when none does."""

    topics: dict[str, Topic] | None

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        raise KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION))

    def list_topics(self, **_: Any) -> Any:
        if self.topics is None:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self


def reader(topics: dict[str, Topic] | None) -> RangeReader:
    made, client = RangeReader("here:9092", {}), Client(topics)
    made._made = client  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    "topics", [None, {"t": Topic()}, {"t": Topic(error=KafkaError(KafkaError.LEADER_NOT_AVAILABLE))}]
)
def test_a_partition_that_the_client_does_not_find_while_no_broker_denies_it_is_not_gone(
    topics: dict[str, Topic] | None,
) -> None:
    """After the broker has died, librdkafka says at once that it knows no such partition."""
    with pytest.raises(SystemUnavailable):
        reader(topics).kept(PLACE)


@pytest.mark.parametrize(
    "topics",
    [{}, {"t": Topic({1: None})}, {"t": Topic({}, error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))}],
)
def test_a_partition_that_a_broker_denies_holds_nothing(topics: dict[str, Topic]) -> None:
    assert reader(topics).kept(PLACE) == Range(0, 0)


def test_a_topic_in_trouble_is_not_taken_for_one_that_is_not_there() -> None:
    with pytest.raises(SystemUnavailable, match="t: "):
        reader({"t": Topic(error=KafkaError(KafkaError.LEADER_NOT_AVAILABLE))}).existing(["t"])
