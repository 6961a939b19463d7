"""Rows of a table, made of the values that Hypothesis draws for each type."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from hypothesis import strategies as st

from tests.fidelity.drawn import examples
from tests.fidelity.kinds import Kind
from tests.fidelity.literals import array
from tests.fidelity.tables import Column


class Row(dict[str, "str | None"]):
    """Column → literal; a column that is left out gets its default."""

    hazard: str = ""
    """The column with a value that some stage may refuse."""


IN_A_POOL: Final = 60
OF_A_HAZARD: Final = 12
HAZARDOUS: Final = 0.1
"""Share of the rows in which one value is of a class that some stage may refuse. More would hide the other values."""


class Pools:
    """Values by type, drawn at first use; the same ones for the same seed."""

    def __init__(self, seed: int, without: Collection[str]) -> None:
        self._seed = seed
        self._without = without
        self._drawn: dict[object, Sequence[str]] = {}

    def plain(self, kind: Kind) -> Sequence[str]:
        """Values that every stage must carry."""
        if kind.element is not None:
            return self._arrays(kind, self.plain(kind.element))
        return self._of(kind.name, kind.plain, IN_A_POOL)

    def hazards(self, kind: Kind) -> dict[str, Sequence[str]]:
        """Values that some stage may refuse, by class."""
        known = {name: found for name, found in kind.hazards.items() if name not in self._without}
        return {name: self._of((kind.name, name), found, OF_A_HAZARD) for name, found in known.items()}

    def _arrays(self, kind: Kind, elements: Sequence[str]) -> Sequence[str]:
        """Arrays of the values that were drawn: empty, of null, and of several with nulls among them."""
        if kind.name not in self._drawn:
            chance = random.Random(self._seed)
            some = [chance.choices([None, *elements], k=chance.randint(1, 4)) for _ in range(IN_A_POOL)]
            self._drawn[kind.name] = [array(items) for items in ([], [None], *some)]
        return self._drawn[kind.name]

    def _of(self, name: object, strategy: st.SearchStrategy[str], count: int) -> Sequence[str]:
        if name not in self._drawn:
            self._drawn[name] = list(examples(strategy, count, self._seed))
        return self._drawn[name]


def rows(columns: Sequence[Column], pools: Pools, chance: random.Random) -> Iterator[Row]:
    """Any number of rows without `k`."""
    chosen = [column for column in columns if column.name != "k"]
    hazards = [(c.name, pool) for c in chosen for name, pool in pools.hazards(c.kind).items() if _may_have(c, name)]
    while True:
        row = Row((c.name, _value(c, pools, chance)) for c in chosen if not (c.default and chance.random() < 0.5))
        if hazards and chance.random() < HAZARDOUS:
            name, pool = chance.choice(hazards)
            row[name], row.hazard = chance.choice(pool), name
        yield row


def _value(column: Column, pools: Pools, chance: random.Random) -> str | None:
    if column.nullable and chance.random() < 0.2:
        return None
    return chance.choice(pools.plain(column.kind))


def _may_have(column: Column, hazard: str) -> bool:
    """PostgreSQL itself takes no key of a megabyte."""
    return not (column.in_key and hazard == "huge")
