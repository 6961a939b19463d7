"""Held topics: topics that are not served for now, with the offsets to continue from.

A topic is held when its dataset's tables refuse its rows. Spark continues and commits the batch, so the held offsets
are stored beside the checkpoint, with the same lifetime.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from headrace.streaming.reading import Place, Range

NAME: Final = "held"


class Store(Protocol):
    """Storage of one small text."""

    def read(self) -> str:
        """Return the text; empty if there is none."""

    def write(self, text: str) -> None:
        """Replace the stored text."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A held topic."""

    reason: str
    since: str
    """UTC, to the second."""
    starts: Mapping[int, int]
    """Partition → first unserved offset."""
    for_good: bool = False
    """True if it is not retried."""

    @property
    def text(self) -> str:
        """Return the reason and the start time."""
        return f"{self.reason} (its rows have been waiting since {self.since} UTC)"


@dataclass(slots=True)
class Holds:
    """Held topics. Every change is stored before it takes effect."""

    store: Store
    by_topic: dict[str, Hold] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store) -> Holds:
        """Read the stored holds."""
        found: dict[str, Any] = json.loads(store.read() or "{}")
        holds = {
            topic: Hold(**{**hold, "starts": {int(partition): start for partition, start in hold["starts"].items()}})
            for topic, hold in found.items()
        }
        return cls(store, holds)

    def hold(self, reasons: Mapping[str, str], ranges: Mapping[Place, Range], *, for_good: bool = False) -> None:
        """Hold topics whose records in these ranges were not served."""
        for topic, reason in reasons.items():
            known = self.by_topic.get(topic) or Hold(reason, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", {})
            starts = {partition: each.start for (name, partition), each in ranges.items() if name == topic}
            starts = {**starts, **known.starts}
            self.by_topic[topic] = replace(known, reason=reason, starts=starts, for_good=known.for_good or for_good)
        if reasons:
            self._write()

    def without(self, ranges: Mapping[Place, Range]) -> dict[Place, Range]:
        """Return the ranges of topics that are not held. Records new partitions of held topics."""
        for (topic, partition), each in ranges.items():
            if topic in self.by_topic and partition not in self.by_topic[topic].starts:
                self.hold({topic: self.by_topic[topic].reason}, {(topic, partition): each})
        return {place: each for place, each in ranges.items() if place[0] not in self.by_topic}

    def advance(self, topic: str, starts: Mapping[int, int]) -> None:
        """Record how far a held topic was served."""
        hold = self.by_topic[topic]
        self.by_topic[topic] = replace(hold, starts={**hold.starts, **starts})
        self._write()

    def release(self, topic: str) -> None:
        """Release a topic that is completely served."""
        del self.by_topic[topic]
        self._write()

    def forget(self, topics: Iterable[str]) -> None:
        """Remove the holds of topics without a dataset."""
        gone = set(topics) & self.by_topic.keys()
        for topic in gone:
            del self.by_topic[topic]
        if gone:
            self._write()

    def _write(self) -> None:
        self.store.write(json.dumps({topic: asdict(hold) for topic, hold in self.by_topic.items()}))


class HadoopStore:
    """File in a folder of any Hadoop file system.

    Each write makes a new file and the newest counts, so none is half written.
    """

    def __init__(self, jvm: Any, configuration: Any, folder: str) -> None:
        self._path = jvm.org.apache.hadoop.fs.Path
        self._files = self._path(folder).getFileSystem(configuration)
        self._folder = folder

    def read(self) -> str:
        """Return the text; empty if there is none."""
        for name in sorted(self._names(), reverse=True):
            path = self._path(f"{self._folder}/{name}")
            stream = self._files.open(path)
            try:
                content = bytes(stream.readAllBytes()).decode()
            finally:
                stream.close()
            if content.endswith("\n"):
                return content
        return ""

    def write(self, text: str) -> None:
        """Replace the stored text."""
        before = self._names()
        number = max((int(name.rpartition("-")[2]) for name in before), default=0) + 1
        stream = self._files.create(self._path(f"{self._folder}/{NAME}-{number:08}"), True)
        stream.write(bytearray(f"{text}\n".encode()))
        stream.close()
        for name in before:
            self._files.delete(self._path(f"{self._folder}/{name}"), False)

    def _names(self) -> list[str]:
        folder = self._path(self._folder)
        if not self._files.exists(folder):
            return []
        names = [status.getPath().getName() for status in self._files.listStatus(folder)]
        return [name for name in names if name.startswith(f"{NAME}-")]
