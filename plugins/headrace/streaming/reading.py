"""Reads the Kafka ranges that Spark planned, in slices of bounded size for any record size.

A batch that fits into one slice is one slice. In a larger batch each partition is cut on its own, in the order of its
offsets, so that the same ranges are always cut the same way.

https://docs.confluent.io/platform/current/clients/confluent-kafka-python/html/index.html
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from headrace.errors import SystemUnavailable
from headrace.systems.kafka.arrived import arrived

MOST_BYTES: Final = 32 << 20
"""Maximum bytes of keys and values in one slice, unless a single record is larger."""
AT_ONCE: Final = 5_000
SILENT_S: Final = 2.0
"""Seconds without a message after which the reader checks whether Kafka still has the offsets."""
SILENCE_S: Final = 30.0
"""Seconds without a message before the end of a range after which reading fails."""
ANSWER_S: Final = 10.0
CONFIG: Final[Mapping[str, Any]] = {
    "group.id": "headrace-stream",  # joins no group: its partitions are assigned
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    # A range may end before the topic's end, and fetched records after it are discarded, so little is fetched.
    "queued.max.messages.kbytes": 2 << 10,
    "fetch.message.max.bytes": 1 << 20,
    # There is one request at a time, which must not delay the next range.
    "fetch.wait.max.ms": 5,
}
GONE: Final = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
"""Errors after which the broker is asked which offsets it has: the client also raises them while no broker answers."""
SCHEMA: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("key", pa.binary()),
        ("value", pa.binary()),
    ]
)

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""
Message: TypeAlias = Any
"""Message of confluent-kafka. Its annotations allow None where a consumed message has a value."""


class Range(NamedTuple):
    """Offsets of one partition, from `start` up to but not including `end`."""

    start: int
    end: int


class Gone(Exception):
    """Error for a partition, or its start offset, that Kafka does not have."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True, slots=True)
class Slice:
    """Records in the order of topic, partition and offset."""

    records: pa.Table
    name: str = ""
    """Start of the slice; empty if it is the whole batch."""


class RangeReader:
    """Reads ranges with one consumer. Not thread-safe."""

    def __init__(self, bootstrap: str, options: Mapping[str, str], *, most_bytes: int = MOST_BYTES) -> None:
        self._bootstrap = bootstrap
        self._config = {**CONFIG, "bootstrap.servers": bootstrap, **options}
        self._most_bytes = most_bytes
        self._made: Consumer | None = None

    def slices(self, ranges: Mapping[Place, Range]) -> Iterator[Slice]:
        """Yield the records of the ranges.

        Raises:
            SystemUnavailable: the brokers do not answer. A new call starts from the beginning.
            Gone: Kafka does not have the offsets.
        """
        wanted = {place: each for place, each in sorted(ranges.items()) if each.start < each.end}
        if not wanted:
            return
        try:
            taken, whole = self._take(wanted, self._most_bytes)
            if whole:
                yield Slice(as_table([message for place in wanted for message in taken[place]]))
                return
            del taken
            for place, each in wanted.items():
                yield from self._cut(place, each)
        except KafkaException as error:
            self.close()
            raise self._unavailable(str(error)) from error
        finally:
            if self._made is not None:
                self._made.unassign()

    def kept(self, place: Place) -> Range:
        """Return the offsets that Kafka has of a partition; an empty range if there is none.

        Raises SystemUnavailable.
        """
        try:
            low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_S)
        except KafkaException as error:
            if error.args[0].code() in GONE and place[1] not in self._partitions([place[0]]).get(place[0], ()):
                return Range(0, 0)
            raise self._unavailable(str(error)) from error
        return Range(low, high)

    def existing(self, topics: Iterable[str]) -> list[str]:
        """Return those of the topics that exist. Raises SystemUnavailable."""
        return list(self._partitions(topics))

    def _partitions(self, topics: Iterable[str]) -> dict[str, Collection[int]]:
        """Return topic → partitions, of the topics that exist on the broker. Raises SystemUnavailable."""
        try:
            known = self._consumer.list_topics(timeout=ANSWER_S).topics
        except KafkaException as error:
            raise self._unavailable(str(error)) from error
        there = {topic: known[topic] for topic in topics if topic in known}
        for topic, each in there.items():
            if each.error is not None and each.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise self._unavailable(f"{topic}: {each.error.str()}")
        return {topic: list(each.partitions) for topic, each in there.items() if each.error is None}

    def close(self) -> None:
        """Close the consumer; the next call creates a new one."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def _cut(self, place: Place, each: Range) -> Iterator[Slice]:
        """Yield the slices of one partition."""
        start = each.start
        while start < each.end:
            taken, whole = self._take({place: Range(start, each.end)}, self._most_bytes)
            messages = taken[place]
            if not whole and len(messages) > 1:
                messages.pop()  # with it the slice is too large
            if messages:
                yield Slice(as_table(messages), f"{place[0]}:{place[1]}:{messages[0].offset()}")
            start = each.end if whole else messages[-1].offset() + 1

    def _take(self, wanted: Mapping[Place, Range], most: int) -> tuple[dict[Place, list[Message]], bool]:
        """Return the records of the ranges, and whether they are complete.

        They are incomplete when the last record makes them larger than `most` bytes.
        """
        taken: dict[Place, list[Message]] = {place: [] for place in wanted}
        waiting = set(wanted)
        total = 0
        self._consumer.assign([TopicPartition(*place, each.start) for place, each in wanted.items()])
        while waiting:
            for message in self._delivered(waiting, wanted):
                place, error = (message.topic(), message.partition()), message.error()
                if place not in waiting:
                    continue
                if error is not None:
                    self._refused(message, wanted)
                elif message.offset() < wanted[place].end:
                    taken[place].append(message)
                    total += size(message)
                    if total > most:
                        return taken, False
                if message.offset() >= wanted[place].end - (error is None):
                    waiting.discard(place)
        return taken, True

    def _delivered(self, waiting: Iterable[Place], wanted: Mapping[Place, Range]) -> list[Message]:
        """Return some messages. Raises Gone, or SystemUnavailable after SILENCE_S without a message."""
        deadline = time.monotonic() + SILENCE_S
        while time.monotonic() < deadline:
            messages: list[Message] = arrived(self._consumer, AT_ONCE, SILENT_S)
            if messages:
                return messages
            self._check(waiting, wanted)
        raise self._unavailable(f"partitions sent nothing for {SILENCE_S:.0f} s before their end")

    def _check(self, waiting: Iterable[Place], wanted: Mapping[Place, Range]) -> None:
        """Raise Gone for a range that Kafka does not have: the client would wait for it for ever."""
        for place in waiting:
            kept = self.kept(place)
            if kept.start > wanted[place].start or kept.end < wanted[place].end:
                raise Gone(place)

    def _refused(self, message: Message, wanted: Mapping[Place, Range]) -> None:
        error = message.error()
        if error.code() in GONE:
            self._check([(message.topic(), message.partition())], wanted)
            raise self._unavailable(error.str())
        if error.code() != KafkaError._PARTITION_EOF and (error.fatal() or not error.retriable()):
            raise KafkaException(error)

    @property
    def _consumer(self) -> Consumer:
        if self._made is None:
            self._made = Consumer(self._config)
        return self._made

    def _unavailable(self, cause: str) -> SystemUnavailable:
        return SystemUnavailable("kafka", self._bootstrap, f"{cause}; the batch is read again")


def size(message: Message) -> int:
    """Return the size of a record in bytes."""
    return len(message.key() or b"") + len(message.value() or b"")


def as_table(messages: Sequence[Message]) -> pa.Table:
    """Return the messages as a table of `SCHEMA`."""
    columns = [
        [message.topic() for message in messages],
        [message.partition() for message in messages],
        [message.offset() for message in messages],
        pa.array([message.timestamp()[1] for message in messages], pa.timestamp("ms", "UTC")).cast(
            SCHEMA.field("timestamp").type
        ),
        [message.key() for message in messages],
        [message.value() for message in messages],
    ]
    return pa.table(
        [pa.array(c, f.type) if isinstance(c, list) else c for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA
    )
