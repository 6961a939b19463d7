"""State of each dead letter: the tables `dead_letters`, `dead_letter_batches` and `dead_letter_places` of the platform's database.

The state of a dead letter goes from waiting to claimed (by a batch) to replayed, or from waiting to discarded. A batch is
stored before its first dead letter is written to the destination, and marked as completed after the last one. Replays
hold a lock, so an open batch was left by a process that died. The next run writes the same dead letters again; the
destination drops repeats by their position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from headrace.services.dead_letters.record import DeadLetter, Position
from headrace.services.dead_letters.selection import Selection
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.platform.locks import Held

NOTE: Final = """
    INSERT INTO dead_letters (refused_by, topic, kafka_partition, kafka_offset, dataset, rule, reason, refused_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"""
PLACE: Final = """
    INSERT INTO dead_letter_places (topic, kafka_partition, next_offset) VALUES (%s, %s, %s)
    ON CONFLICT (topic, kafka_partition) DO UPDATE SET next_offset = excluded.next_offset"""
COLUMNS: Final = "id, refused_by, topic, kafka_partition, kafka_offset, dataset, rule, reason"
ORDER: Final = "ORDER BY refused_by, topic, kafka_partition, kafka_offset"
REFINED_AT_ONCE: Final = 5000
"""Maximum number of replayed dead letters that one refinement handles; the next refinement handles the others."""


class Entry(NamedTuple):
    """Dead letter as recorded in the ledger."""

    id: int
    position: Position
    dataset: str
    rule: str
    reason: str


class Batch(NamedTuple):
    """Dead letters of one topic, refused by one stream, sink or source, that are replayed together."""

    id: int
    refused_by: str
    topic: str


class Statistics(NamedTuple):
    """Counts of the dead letters of one dataset that one stream, sink or source refused."""

    refused_by: str
    dataset: str
    waiting: int
    """Refused, and neither replayed nor discarded."""
    discarded: int


class DeadLetterLedger:
    """Ledger of dead letters, in the platform's database."""

    def __init__(self, platform: PlatformHook) -> None:
        self.platform = platform

    def places(self, topic: str) -> dict[int, int]:
        """Return the next offset to collect for each partition of a dead-letter topic."""
        query = "SELECT kafka_partition, next_offset FROM dead_letter_places WHERE topic = %s"
        return dict(self._rows(query, [topic]))

    def note(self, dead_letters: Iterable[DeadLetter], topic: str, places: Mapping[int, int], lock: Held) -> int:
        """Record the dead letters and the collected offsets, both or neither; return how many are new."""
        new = 0
        with self.platform.transaction() as connection, connection.cursor() as cursor:
            lock.fence(connection)
            for each in dead_letters:
                values = [*each.position, each.dataset, each.rule, each.reason, each.refused_at]
                new += cursor.execute(NOTE, values).rowcount
            for partition, offset in places.items():
                cursor.execute(PLACE, [topic, partition, offset])
        return new

    def waiting(self, selection: Selection) -> list[Entry]:
        """Return the selected dead letters that wait, in the order of their positions."""
        query = f"SELECT {COLUMNS} FROM dead_letters WHERE state = 'waiting' AND {selection.condition} {ORDER}"  # noqa: S608
        return _entries(self._rows(query, dict(selection.filters)))

    def claim(self, entries: Sequence[Entry], lock: Held) -> tuple[Batch, list[Entry]]:
        """Create a batch from the dead letters that still wait. All must have the same topic and `refused_by`."""
        first = entries[0].position
        with self.platform.transaction() as connection:
            lock.fence(connection)
            row = connection.execute(
                "INSERT INTO dead_letter_batches (refused_by, topic) VALUES (%s, %s) RETURNING id",
                [first.refused_by, first.topic],
            ).fetchone()
            batch = Batch(int(row[0]) if row else 0, first.refused_by, first.topic)
            claimed = connection.execute(
                "UPDATE dead_letters SET state = 'claimed', batch = %s WHERE id = ANY (%s) AND state = 'waiting' RETURNING id",
                [batch.id, [entry.id for entry in entries]],
            ).fetchall()
        mine = {int(row[0]) for row in claimed}
        return batch, [entry for entry in entries if entry.id in mine]

    def open_batches(self) -> list[Batch]:
        """Return the open batches, oldest first."""
        query = "SELECT id, refused_by, topic FROM dead_letter_batches WHERE done_at IS NULL ORDER BY id"
        return [Batch(*row) for row in self._rows(query)]

    def of_batch(self, batch: Batch) -> list[Entry]:
        """Return the dead letters of a batch, in the order of their positions."""
        return _entries(self._rows(f"SELECT {COLUMNS} FROM dead_letters WHERE batch = %s {ORDER}", [batch.id]))  # noqa: S608

    def done(self, batch: Batch, lock: Held) -> None:
        """Record that every dead letter of the batch was replayed."""
        with self.platform.transaction() as connection:
            lock.fence(connection)
            connection.execute(
                "UPDATE dead_letters SET state = 'replayed', settled_at = now() WHERE batch = %s AND state = 'claimed'",
                [batch.id],
            )
            connection.execute("UPDATE dead_letter_batches SET done_at = now() WHERE id = %s", [batch.id])

    def still_refused(self, reasons: Mapping[int, str]) -> None:
        """Store the new reason of each dead letter (by id) that was refused again."""
        with self.platform.transaction() as connection, connection.cursor() as cursor:
            for number, reason in reasons.items():
                cursor.execute(
                    "UPDATE dead_letters SET tries = tries + 1, replay_error = %s WHERE id = %s", [reason, number]
                )

    def discard(self, selection: Selection) -> int:
        """Discard the selected dead letters that wait; return how many. Their records stay in the quarantine."""
        statement = (
            "UPDATE dead_letters SET state = 'discarded', settled_at = now()"  # noqa: S608 - the condition is ours
            f" WHERE state = 'waiting' AND {selection.condition}"
        )
        with self.platform.transaction() as connection:
            return connection.execute(statement.encode(), dict(selection.filters)).rowcount

    def statistics(self) -> list[Statistics]:
        """Return the counts by `refused_by` and dataset. Replayed dead letters are not counted."""
        query = """
            SELECT refused_by, dataset, count(*) FILTER (WHERE state IN ('waiting', 'claimed')),
                   count(*) FILTER (WHERE state = 'discarded')
              FROM dead_letters WHERE state <> 'replayed' GROUP BY 1, 2 ORDER BY 1, 2"""
        return [Statistics(*row) for row in self._rows(query)]

    def unrefined(self, dataset: str) -> dict[int, tuple[int, int]]:
        """Return dead letter id → (partition, offset) of those that were replayed into raw and not refined since."""
        query = """
            SELECT id, kafka_partition, kafka_offset FROM dead_letters
             WHERE dataset = %s AND state = 'replayed' AND refined_at IS NULL AND refused_by LIKE 'lake-%%'
             ORDER BY id LIMIT %s"""
        rows = self._rows(query, [dataset, REFINED_AT_ONCE])
        return {number: (partition, offset) for number, partition, offset in rows}

    def refined(self, dead_letters: Iterable[int]) -> None:
        """Record that a refinement handled these dead letters."""
        with self.platform.transaction() as connection:
            connection.execute("UPDATE dead_letters SET refined_at = now() WHERE id = ANY (%s)", [list(dead_letters)])

    def _rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        with self.platform.transaction() as connection:
            return connection.execute(query.encode(), parameters).fetchall()


def _entries(rows: Iterable[Any]) -> list[Entry]:
    return [Entry(row[0], Position(*row[1:5]), *row[5:]) for row in rows]
