"""What the source did, and what Kafka has of it: each change is a record, or a dead letter of the source names its key. Pure.

A change that is refused deletes the row as it was (docs/adr/0016-a-gate-behind-debezium.md). So the dead letters of a key say how
many of its changes are no records, and the records that there must be follow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tests.fidelity.changes import Change, Key, Record, Values
from tests.fidelity.compare import Comparison, Difference, compare_values
from tests.fidelity.exact import Exact
from tests.fidelity.named import named
from tests.fidelity.tables import Table

STAGE = "kafka"


class Capture:
    """Compares one table's changes with its records."""

    def __init__(self, table: Table, dead_letters: Mapping[str, int], hazards: Collection[int]) -> None:
        """`dead_letters`: key as a dead letter names it → how many. `hazards`: numbers of the rows of which dead letters may be."""
        self.found = Comparison()
        self.refused: set[Key] = set()
        """Return the keys whose row in the source was refused as it is now."""
        self._table = table
        self._dead_letters = dead_letters
        self._hazards = hazards
        self._k = next(place for place, column in enumerate(table.columns) if column.name == "k")

    def compare(self, written: Iterable[Change], records: Iterable[Record]) -> None:
        """Compare key by key, in the order of its changes."""
        found: dict[Key, list[Record]] = defaultdict(list)
        for record in records:
            found[record.key].append(record)
        expected: dict[Key, list[Values | None]] = defaultdict(list)
        for change in written:
            expected[change.key].append(change.values)
        names = {named(self._table, key) for key in expected}
        for key in expected.keys() | found.keys():
            self._key(key, expected.get(key, []), found.get(key, []))
        for name in self._dead_letters.keys() - names:
            self._differs((name,), "dead letters", 0, self._dead_letters[name])

    def _key(self, key: Key, wanted: Sequence[Values | None], found: Sequence[Record]) -> None:
        """Each change takes its record, or one dead letter."""
        dead_letters, rest, before = self._dead_letters.get(named(self._table, key), 0), iter(found), None
        ahead = next(rest, None)
        for place, values in enumerate(wanted):
            if dead_letters and values is not None and not _is(ahead, values):
                dead_letters -= 1
                self.found.reported += 1
                if values[self._k] not in self._hazards:
                    self._differs(key, "refused", "a value that every stage carries", "a dead letter")
                if before is None:  # nothing was there that has to go
                    continue
                values_then, before = None, None
            elif values is None and before is None:  # the deletion of a row that was refused
                continue
            else:
                values_then, before = values, values
            if ahead is None:
                self._differs(key, "", len(wanted), len(found))
                return
            self._change(key, values_then, ahead, place)
            ahead = next(rest, None)
        if ahead is not None or dead_letters:
            self._differs(key, "dead letters" if dead_letters else "", len(wanted), len(found) + dead_letters)
        if before is None and wanted and wanted[-1] is not None:
            self.refused.add(key)

    def _change(self, key: Key, values: Values | None, record: Record, place: int) -> None:
        where = f"{record.position.partition}:{record.position.offset}"
        if (values is None) != record.deleted:
            self._differs(key, "deleted", values is None, record.deleted, f"{where}, change {place}")
        elif values is not None:
            compare_values(self.found, self._table, STAGE, key, values, record.values, where)

    def _differs(self, key: Key, column: str, expected: Exact, found: Exact, where: str = "") -> None:
        self.found.differs(Difference(self._table.name, key, column, STAGE, expected, found, where))


def _is(record: Record | None, values: Values) -> bool:
    return record is not None and not record.deleted and record.values == values


def dead_letters_of(topic: str, at_source: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return the dead letters of one table's rows: key as the dead letter names it → how many; a truncate names no key."""
    return dict(_of(topic, at_source))


def _of(topic: str, at_source: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, int]]:
    for (of, key), count in at_source.items():
        if of == topic and key:
            yield key, count
