"""What happens to the tables of a run: rows before the capture begins, and everything else while it streams."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.fidelity.changes import Change
from tests.fidelity.rows import Row
from tests.fidelity.source import Source
from tests.fidelity.tables import Table

IN_A_TRANSACTION: Final = 50
AFTER: Final = 10_000_000
"""A row whose `k` changes gets so much more."""


@dataclass(slots=True)
class Written:
    """Every change, by table, in the order of the commits."""

    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    hazards: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By table, the numbers of the rows that had a value that some stage may refuse."""

    def note(self, table: Table, changes: Iterable[Change]) -> None:
        """Add changes of a table."""
        self.changes[table.name] += changes

    def suspect(self, table: Table, number: int, row: Row) -> None:
        """Remember that some stage may refuse the row, if so."""
        if row.hazard:
            self.hazards[table.name] |= {number, number + AFTER}


def insert(source: Source, written: Written, table: Table, rows: Sequence[Row], first: int) -> None:
    """Insert the rows, numbered from `first`."""
    numbered = list(enumerate(rows, first))
    for number, row in numbered:
        written.suspect(table, number, row)
    for start in range(0, len(numbered), IN_A_TRANSACTION):
        written.note(table, source.insert(table, numbered[start : start + IN_A_TRANSACTION]))


def disturb(
    source: Source, written: Written, table: Table, rows: Iterator[Row], numbers: Sequence[int], chance: random.Random
) -> None:
    """Update, delete and rename rows of these numbers."""
    for number in numbers:
        match chance.choice(("update", "update", "update", "delete", "key", "again")):
            case "update":
                if changed := _some(table, next(rows), chance):
                    written.suspect(table, number, changed)
                    written.note(table, source.update(table, number, changed))
            case "delete":
                written.note(table, source.delete(table, number))
            case "key" if any(column.name == "k" for column in table.key):
                written.note(table, source.rekey(table, number, Row(k=str(number + AFTER))))
            case "again":
                row = next(rows)
                written.suspect(table, number, row)
                written.note(table, source.delete(table, number))
                written.note(table, source.insert(table, [(number, row)]))


def _some(table: Table, row: Row, chance: random.Random) -> Row:
    """Some of the row's values that are no part of the key."""
    free = [column.name for column in table.columns if not column.in_key and column.name in row]
    some = Row((name, row[name]) for name in free if chance.random() < 0.5)
    some.hazard = row.hazard if row.hazard in some else ""
    return some
