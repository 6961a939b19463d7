"""Fingerprints in ClickHouse: of served views, of the change history, and of lake tables."""

# ruff: noqa: S608 - every name in these queries comes from a contract

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from include.shop.engines.answer import fingerprint
from include.shop.oracle import Fingerprint
from include.shop.shape import Column, Kind, Shape

_MICROS = "toUnixTimestamp64Micro(toDateTime64({c}, 6, 'UTC'))"

TEXT: Mapping[Kind, str] = {
    "integer": "toString({c})",
    "decimal": "toDecimalString({c}, {scale})",
    "timestamp": f"toString({_MICROS})",
    "date": "toString(toInt32(toDate32({c})))",
    "text": r"replaceAll(replaceAll(toString({c}), '\\', '\\\\'), '|', '\\p')",
    "boolean": "toString(toBool({c}))",
}
NUMBER: Mapping[Kind, str] = {
    "integer": "toInt128({c})",
    "decimal": "{c}",
    "timestamp": f"toInt128({_MICROS})",
    "date": "toInt64(toInt32(toDate32({c})))",
    "text": "length(toString({c}))",
    "boolean": "toInt64({c})",
}


class _Answer(Protocol):
    @property
    def result_rows(self) -> Sequence[Sequence[Any]]: ...


class ClickHouse(Protocol):
    """Protocol of the client, as implemented by clickhouse-connect."""

    def query(self, query: str) -> _Answer:
        """Run one SELECT."""
        ...


def clickhouse_fingerprints(client: ClickHouse, shapes: Iterable[Shape]) -> dict[str, Fingerprint]:
    """Return dataset → fingerprint of its view `<domain>.<dataset>`."""
    return {shape.dataset: clickhouse_fingerprint(client, shape) for shape in shapes}


def clickhouse_fingerprint(client: ClickHouse, shape: Shape, relation: str | None = None) -> Fingerprint:
    """Return the fingerprint of a table, view or parenthesised query; by default of the dataset's view."""
    (answer,) = client.query(clickhouse_query(shape, relation or shape.dataset)).result_rows
    return fingerprint(shape, answer)


def latest(shape: Shape, changes: str) -> str:
    """Return a relation for `clickhouse_fingerprint`: the current rows of a table of changes.

    `changes` is the warehouse's `<domain>.<dataset>_changes`, or a raw table of the lake as
    ClickHouse reads it. The latest change of a key is the one with the highest offset.
    """
    key = ", ".join(f"`{name}`" for name in shape.key)
    return f"(SELECT * FROM (SELECT * FROM {changes} ORDER BY _offset DESC LIMIT 1 BY {key}) WHERE _op != 'd')"


def clickhouse_query(shape: Shape, relation: str) -> str:
    """Return the query for the one row of texts that `answer.fingerprint` parses."""
    row = ", ".join(rf"ifNull({_fill(TEXT, column)}, '\\N')" for column in shape.columns)
    key = ", ".join(f"`{name}`" for name in shape.key)
    columns = "".join(
        f",\n    toString(ifNull(sum({_fill(NUMBER, column)}), 0)), toString(countIf(`{column.name}` IS NULL))"
        for column in shape.columns
    )
    return (
        "SELECT toString(count()),\n"
        f"    toString(count() - uniqExact({key})),\n"
        "    toString(sum(reinterpretAsUInt64(reverse(substring(MD5(_row_text), 1, 8)))))"
        f"{columns}\n"
        f"FROM (SELECT *, concatWithSeparator('|', {row}) AS _row_text FROM {relation})"
    )


def _fill(templates: Mapping[Kind, str], column: Column) -> str:
    return templates[column.kind].format(c=f"`{column.name}`", scale=column.scale)
