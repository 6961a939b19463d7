"""Find the query result columns that contain classified data and must be hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headrace.contracts.contract import Contract

UNSURE: Final = "not shown"
"""Replacement for a value of unknown origin."""


def classified(contracts: Iterable[Contract]) -> dict[str, str]:
    """Return field → classification of all datasets, because a query may join any of them."""
    return {
        field: classification for contract in contracts for field, classification in contract.classifications.items()
    }


def hidden(sql: str, columns: Sequence[str], fields: Mapping[str, str | None], dialect: str) -> dict[str, str]:
    """Return result column → replacement text, for the columns whose values must be hidden.

    An alias of an expression with a classified field is hidden everywhere in the query. When in doubt, a column is
    hidden.

    Args:
        sql: the query.
        columns: names of the result columns, as the database returns them.
        fields: every known field and its classification.
        dialect: sqlglot's name of the SQL dialect.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    classifications = {field: classification for field, classification in fields.items() if classification}
    try:
        tree = parse_one(sql, dialect=dialect)
    except SqlglotError:
        return dict.fromkeys(columns, UNSURE)
    if any(alias.columns for alias in tree.find_all(exp.TableAlias)):  # columns named by position: `WITH t (a, b) AS …`
        return dict.fromkeys(columns, UNSURE)
    made = [(alias.alias, {each.name for each in alias.find_all(exp.Column)}) for alias in tree.find_all(exp.Alias)]
    while more := {
        name: classifications[next(iter(of & classifications.keys()))]
        for name, of in made
        if name not in classifications and of & classifications.keys()
    }:
        classifications |= more
    known = {*fields, *(name for name, _ in made)}

    def classification(column: str) -> str | None:
        name = column.rpartition(".")[2]  # ClickHouse prefixes the second of two columns of one name with its table
        return classifications.get(name) or (None if name in known else UNSURE)

    return {column: found for column in columns if (found := classification(column))}
