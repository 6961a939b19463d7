"""Stage by stage, value by value: what was reported, and what was not. Pure.

A difference is silent unless a dead letter names the record at which it happened, or an alert names the key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fidelity.changes import Key, Position, Record, Values
from tests.fidelity.exact import Exact
from tests.fidelity.tables import Table

KEPT = 50
"""Differences that are kept for the report; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One silent difference."""

    table: str
    key: Key
    column: str
    """Empty: the row as a whole."""
    stage: str
    expected: Exact
    found: Exact
    where: str = ""
    """The position in Kafka, where there is one."""


@dataclass(slots=True)
class Comparison:
    """What was compared, and what came of it."""

    values: int = 0
    reported: int = 0
    """Rows at a stage that differ or are missing, and of which a dead letter or an alert says so."""
    silent: int = 0
    differences: list[Difference] = field(default_factory=list)

    def differs(self, found: Difference) -> None:
        """Count a silent difference."""
        self.silent += 1
        if len(self.differences) < KEPT:
            self.differences.append(found)

    def add(self, other: Comparison) -> None:
        """Take in another comparison's counts."""
        self.values += other.values
        self.reported += other.reported
        self.silent += other.silent
        self.differences += other.differences[: KEPT - len(self.differences)]


def compare_records(
    table: Table, stage: str, records: Iterable[Record], held: Iterable[Record], dead_letters: Collection[Position]
) -> Comparison:
    """What stands in Kafka, and what a stage has at the same positions."""
    done = Comparison()
    by_position: dict[Position, list[Record]] = defaultdict(list)
    for record in held:
        by_position[record.position].append(record)
    for record in records:
        there = by_position.pop(record.position, [])
        where = f"{record.position.partition}:{record.position.offset}"
        if not there and record.position in dead_letters:
            done.reported += 1
        elif len(there) != 1:
            done.differs(Difference(table.name, record.key, "", stage, 1, len(there), where))
        elif there[0].deleted != record.deleted:
            done.differs(Difference(table.name, record.key, "deleted", stage, record.deleted, there[0].deleted, where))
        else:
            compare_values(done, table, stage, record.key, record.values, there[0].values, where)
    for position, extra in by_position.items():
        done.differs(
            Difference(table.name, extra[0].key, "", stage, 0, len(extra), f"{position.partition}:{position.offset}")
        )
    return done


def compare_rows(
    table: Table,
    stage: str,
    source: Mapping[Key, Values],
    held: Sequence[tuple[Key, Values]],
    reported: Collection[Key],
    refused: Collection[Key] = (),
) -> Comparison:
    """The rows that the source has now, and those that a stage has.

    Of a key that is `reported`, anything may be there. Rows of keys that are `refused` at the source may not be there.
    """
    done = Comparison()
    found: dict[Key, list[Values]] = defaultdict(list)
    for key, values in held:
        found[key].append(values)
    for key in source.keys() | found.keys():
        wanted, there = source.get(key), found.get(key, [])
        if key in reported or (key in refused and not there):
            done.reported += 1
        elif wanted is None or key in refused or len(there) != 1:
            expected = int(wanted is not None and key not in refused)
            done.differs(Difference(table.name, key, "", stage, expected, len(there)))
        else:
            compare_values(done, table, stage, key, wanted, there[0])
    return done


def reported_keys(records: Iterable[Record], dead_letters: Collection[Position]) -> set[Key]:
    """Keys of which a record was refused, and no later one was carried: what is served of them may be older."""
    reported: set[Key] = set()
    for record in sorted(records, key=lambda record: record.position):
        if record.position in dead_letters:
            reported.add(record.key)
        else:
            reported.discard(record.key)
    return reported


def compare_values(
    done: Comparison, table: Table, stage: str, key: Key, wanted: Values, found: Values, where: str = ""
) -> None:
    """Compare one row, column by column."""
    for column, one, other in _pairs(table, wanted, found):
        done.values += 1
        if one != other or type(one) is not type(other):
            done.differs(Difference(table.name, key, column, stage, one, other, where))


def _pairs(table: Table, wanted: Values, found: Values) -> Iterator[tuple[str, Exact, Exact]]:
    return ((column.name, one, other) for column, one, other in zip(table.columns, wanted, found, strict=True))
