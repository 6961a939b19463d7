"""The source: writes rows, and knows exactly what each write left there.

Values go in as text and come back in PostgreSQL's binary format, with readers of our own where psycopg's would lose
something. So the database itself says what a row holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

from tests.fidelity import exact
from tests.fidelity.changes import Change, Key, Values
from tests.fidelity.exact import Exact
from tests.fidelity.gregorian import DAY_MICROS, days
from tests.fidelity.rows import Row
from tests.fidelity.tables import SCHEMA, Column, Table

EPOCH_DAYS: Final = days(2000, 1, 1)
NO_DAY: Final = {2**31 - 1: "infinity", -(2**31): "-infinity"}
NO_INSTANT: Final = {2**63 - 1: "infinity", -(2**63): "-infinity"}
AS_TEXT: Final = ("text", "varchar", "bpchar", "json", "xml")


class _Date(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Exact:
        (number,) = struct.unpack("!i", data)
        return NO_DAY.get(number, number + EPOCH_DAYS)


class _Instant(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Exact:
        (number,) = struct.unpack("!q", data)
        return NO_INSTANT.get(number, number + EPOCH_DAYS * DAY_MICROS)


class _Text(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Exact:
        return bytes(data).decode()


class _Jsonb(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Exact:
        return bytes(data)[1:].decode()


class Source:
    """One database, by one connection."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def run(self, statements: Iterable[str]) -> None:
        """Run statements, each committed."""
        for statement in statements:
            self._connection.execute(statement.encode())

    def learn_types(self) -> None:
        """Read dates, instants and texts by the readers of this module from now on. `tables.setup` was run before."""
        adapters = self._connection.adapters
        adapters.register_loader("date", _Date)
        adapters.register_loader("timestamptz", _Instant)
        adapters.register_loader("jsonb", _Jsonb)
        xml = TypeInfo.fetch(self._connection, "xml")
        assert xml is not None
        xml.register(self._connection)
        for name in AS_TEXT:
            adapters.register_loader(name, _Text)
        for name in ("citext", f"{SCHEMA}.mood"):
            info = TypeInfo.fetch(self._connection, name)
            assert info is not None
            info.register(self._connection)
            adapters.register_loader(info.oid, _Text)

    def insert(self, table: Table, rows: Iterable[tuple[int, Row]]) -> list[Change]:
        """Insert rows of these numbers, in one transaction; one whose key is there already is left out."""
        statements = [self._insertion(table, {"k": str(number), **row}) for number, row in rows]
        return [self._written(table, values) for values in self._returned(statements)]

    def update(self, table: Table, number: int, row: Row) -> list[Change]:
        """Change some columns of the row with that number."""
        placed = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in row)
        statement = sql.SQL("UPDATE {} SET {} WHERE k = %s RETURNING {}").format(
            _name(table), placed, _names(table.columns)
        )
        return [self._written(table, v) for v in self._returned([(statement, [*row.values(), number])])]

    def rekey(self, table: Table, number: int, row: Row) -> list[Change]:
        """Change columns of the key: to every consumer, a deletion and a new row."""
        before = self._one(table, number)
        if before is None:
            return []
        changes = self.update(table, number, row)
        return [Change(key_of(table, before), None), *changes]

    def delete(self, table: Table, number: int) -> list[Change]:
        """Delete the row with that number."""
        statement = sql.SQL("DELETE FROM {} WHERE k = %s RETURNING {}").format(_name(table), _names(table.columns))
        return [
            Change(key_of(table, self._exact(table, values)), None)
            for values in self._returned([(statement, [number])])
        ]

    def rows(self, table: Table, first: int, last: int) -> dict[Key, Values]:
        """The rows with `first` ≤ k < `last` as they are now, by key."""
        query = sql.SQL("SELECT {} FROM {} WHERE k >= %s AND k < %s").format(_names(table.columns), _name(table))
        found = (self._exact(table, values) for values in self._returned([(query, [first, last])]))
        return {key_of(table, values): values for values in found}

    def _one(self, table: Table, number: int) -> Values | None:
        query = sql.SQL("SELECT {} FROM {} WHERE k = %s").format(_names(table.columns), _name(table))
        found = list(self._returned([(query, [number])]))
        return self._exact(table, found[0]) if found else None

    def _returned(self, statements: Sequence[tuple[sql.Composed, Sequence[Any]]]) -> Iterator[Sequence[Any]]:
        with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
            for statement, parameters in statements:
                yield from cursor.execute(statement, parameters).fetchall()

    def _insertion(self, table: Table, row: Mapping[str, str | None]) -> tuple[sql.Composed, Sequence[Any]]:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING {}").format(
            _name(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
            _names(table.columns),
        )
        return statement, list(row.values())

    def _written(self, table: Table, values: Sequence[Any]) -> Change:
        found = self._exact(table, values)
        return Change(key_of(table, found), found)

    def _exact(self, table: Table, values: Sequence[Any]) -> Values:
        return tuple(_of(column, value) for column, value in zip(table.columns, values, strict=True))


def key_of(table: Table, values: Values) -> Key:
    """The key of a row's values."""
    return tuple(values[place] for place in table.places)


def _of(column: Column, value: Any) -> Exact:
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(_of(column, item) for item in value)
    match column.kind.form:
        case "float" | "double":
            return exact.floating(value)
        case "decimal":
            return exact.decimal(value)
        case "text":
            return exact.text(value)
        case "uuid":
            return str(value)
        case "bytes":
            return exact.blob(bytes(value))
        case _:
            return value


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table.name)


def _names(columns: Iterable[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
