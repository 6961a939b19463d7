"""Ledger of gaps: the tables `raw_proven` and `raw_gaps` of the platform's database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from headrace.services.proving.gaps import Gap
from headrace.systems.platform.hook import PlatformHook

ClosedBy: TypeAlias = Literal["landed", "reread", "accepted"]

GAP: Final = "gap"
"""Rule of the dead letters that hold a gap's records. They do not close the gap while they wait."""

PROVEN: Final = """
    INSERT INTO raw_proven (topic, kafka_partition, next_offset) VALUES (%s, %s, %s)
    ON CONFLICT (topic, kafka_partition) DO UPDATE SET next_offset = excluded.next_offset, at = now()"""
FOUND: Final = """
    INSERT INTO raw_gaps (dataset, topic, kafka_partition, first_offset, last_offset, records, kind)
    VALUES (%s, %s, %s, %s, %s, %s, %s)"""
OPEN: Final = """
    SELECT topic, kafka_partition, first_offset, last_offset, records, kind FROM raw_gaps
     WHERE dataset = %s AND closed_at IS NULL ORDER BY topic, kafka_partition, first_offset"""
CLOSE: Final = """
    UPDATE raw_gaps SET closed_at = now(), closed_by = %s
     WHERE topic = %s AND kafka_partition = %s AND first_offset = %s AND closed_at IS NULL"""
ACCEPT: Final = """
    UPDATE raw_gaps SET closed_at = now(), closed_by = 'accepted' WHERE dataset = %s AND closed_at IS NULL"""
REMOVED: Final = """
    UPDATE raw_gaps SET closed_at = now(), closed_by = %s
     WHERE dataset = ANY (%s) AND kind <> 'missing' AND closed_at IS NULL"""
DEAD_LETTERS: Final = """
    SELECT kafka_offset FROM dead_letters
     WHERE refused_by = %s AND topic = %s AND kafka_partition = %s AND kafka_offset BETWEEN %s AND %s
       AND (rule <> %s OR state = 'discarded')"""


class Found(NamedTuple):
    """Gap with its topic and partition."""

    topic: str
    partition: int
    gap: Gap

    def __str__(self) -> str:
        first, last, records, kind = self.gap
        offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
        count = f"{records:,}" if kind == "missing" else f"up to {records:,}"
        return f"{self.topic} partition {self.partition} {offsets} ({count} {kind})"


class GapLedger:
    """Records up to which offset each partition is proven, and its gaps."""

    def __init__(self, platform: PlatformHook) -> None:
        self.platform = platform

    def proven(self, topic: str) -> dict[int, int]:
        """Return, by partition, the first offset that was not compared."""
        rows = self._rows("SELECT kafka_partition, next_offset FROM raw_proven WHERE topic = %s", [topic])
        return dict(rows)

    def note(self, dataset: str, topic: str, partition: int, gaps: Iterable[Gap], next_offset: int) -> None:
        """Record the gaps up to that offset and the offset itself, both or neither."""
        with self.platform.transaction() as connection:
            for gap in gaps:
                connection.execute(FOUND, [dataset, topic, partition, *gap])
            connection.execute(PROVEN, [topic, partition, next_offset])

    def open(self, dataset: str) -> list[Found]:
        """Return the dataset's gaps that are not closed."""
        return [Found(row[0], row[1], Gap(*row[2:])) for row in self._rows(OPEN, [dataset])]

    def close(self, found: Found, by: ClosedBy) -> None:
        """Record that the gap is closed."""
        with self.platform.transaction() as connection:
            connection.execute(CLOSE, [by, found.topic, found.partition, found.gap.first])

    def accept(self, dataset: str) -> None:
        """Record that the dataset's gaps are accepted."""
        with self.platform.transaction() as connection:
            connection.execute(ACCEPT, [dataset])

    def removed_closed(self, datasets: Iterable[str], by: ClosedBy) -> None:
        """Record that the datasets' gaps of removed records are closed."""
        with self.platform.transaction() as connection:
            connection.execute(REMOVED, [by, list(datasets)])

    def dead_letters(self, sink: str, topic: str, partition: int, first: int, last: int) -> set[int]:
        """Return the offsets from first to last that the sink refused, or whose dead letter was discarded."""
        return {row[0] for row in self._rows(DEAD_LETTERS, [sink, topic, partition, first, last, GAP])}

    def _rows(self, query: str, parameters: Sequence[Any]) -> list[Any]:
        with self.platform.transaction() as connection:
            return connection.execute(query.encode(), parameters).fetchall()
