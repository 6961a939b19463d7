"""ClickHouse: the changes at their positions, and the rows of the view.

A day and an instant are read twice, as the number that is stored and as the text that a reader sees: they must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from headrace.systems.bundle import Systems
from tests.fidelity.changes import Key, Position, Record, Values
from tests.fidelity.exact import Exact
from tests.fidelity.gregorian import days, micros
from tests.fidelity.source import key_of
from tests.fidelity.stages import lake
from tests.fidelity.tables import Column, Table

SETTINGS: Final = {"output_format_arrow_string_as_string": 0, "output_format_arrow_low_cardinality_as_dictionary": 0}
NUMBER: Final = {"date": "toInt32({c})", "instant": "toUnixTimestamp64Micro(toDateTime64({c}, 6, 'UTC'))"}
TEXT: Final = "toString({c})"


class Warehouse:
    """The tables and views of one domain."""

    def __init__(self, systems: Systems, domain: str) -> None:
        self._warehouse = systems.warehouse
        self._domain = domain

    def positions(self, table: Table, start: int, end: int) -> set[Position]:
        """The positions from `start` to `end` that are in the change history."""
        found = self._read(f"SELECT _kafka_partition, _offset FROM {self._changes(table)} WHERE {_offsets(start, end)}")
        return {Position(*row.values()) for row in found.to_pylist()}

    def changes(self, table: Table, start: int, end: int) -> list[Record]:
        """The change history from `start` to `end`."""
        rows = self._read(
            f"SELECT _kafka_partition, _offset, toString(_op) AS _op, {_columns(table)} FROM {self._changes(table)}"
            f" WHERE {_offsets(start, end)}"
        )
        meta = zip(*(rows[name].to_pylist() for name in ("_kafka_partition", "_offset", "_op")), strict=True)
        return [
            Record(Position(partition, offset), key_of(table, values), values, operation == b"d")
            for (partition, offset, operation), values in zip(meta, _values(table, rows), strict=True)
        ]

    def rows(self, table: Table, first: int, last: int) -> list[tuple[Key, Values]]:
        """The rows of the view with `first` ≤ k < `last`."""
        view = f"`{self._domain}`.`{table.name}`"
        rows = self._read(f"SELECT {_columns(table)} FROM {view} WHERE k >= {first} AND k < {last}")
        return [(key_of(table, values), values) for values in _values(table, rows)]

    def _changes(self, table: Table) -> str:
        return f"`{self._domain}`.`{table.name}_changes` FINAL"

    def _read(self, query: str) -> pa.Table:
        return self._warehouse.client.query_arrow(query, settings=SETTINGS, use_strings=False)


def _offsets(start: int, end: int) -> str:
    return f"_offset >= {start} AND _offset < {end}"


def _columns(table: Table) -> str:
    return ", ".join(part for column in table.columns for part in _selected(column))


def _selected(column: Column) -> Iterator[str]:
    name, form = f"`{column.name}`", column.kind.form
    if form in NUMBER:
        yield f"{_each(column, NUMBER[form])} AS `{column.name}__number`"
        yield f"{_each(column, TEXT)} AS `{column.name}__text`"
    elif form == "uuid":
        yield f"{_each(column, TEXT)} AS `{column.name}__number`"
    else:
        yield f"{name} AS `{column.name}__number`"


def _each(column: Column, expression: str) -> str:
    if not column.kind.is_array:
        return expression.format(c=f"`{column.name}`")
    return f"arrayMap(x -> {expression.format(c='x')}, `{column.name}`)"


def _values(table: Table, rows: pa.Table) -> Iterator[Values]:
    columns = [list(_column(column, rows)) for column in table.columns]
    return iter(zip(*columns, strict=True))


def _column(column: Column, rows: pa.Table) -> Iterator[Exact]:
    numbers = lake.carriers(rows[f"{column.name}__number"]).to_pylist()
    if column.kind.form not in NUMBER:
        return (_plain(column, number) for number in numbers)
    texts = lake.carriers(rows[f"{column.name}__text"]).to_pylist()
    return (_agreed(column.kind.form, number, text) for number, text in zip(numbers, texts, strict=True))


def _plain(column: Column, found: Any) -> Exact:
    if column.kind.form != "uuid" or found is None:
        return lake.value(column, found)
    return tuple(map(_decoded, found)) if isinstance(found, list) else found.decode()


def _decoded(found: bytes | None) -> str | None:
    return None if found is None else found.decode()


def _agreed(form: str, number: Any, text: Any) -> Exact:
    """The number, when the text says the same."""
    if number is None:
        return None
    if isinstance(number, list):
        return tuple(_agreed(form, one, other) for one, other in zip(number, text, strict=True))
    shown = text.decode()
    read = days(*map(int, shown.split("-"))) if form == "date" else micros(shown)
    return number if read == number else f"stored as {number}, shown as {shown}"
