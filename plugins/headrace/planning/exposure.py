"""Find the columns of a person's query whose values may not be told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headrace.contracts.contract import Contract

UNSURE: Final = "not shown"
"""In place of a value of which it is not known where it comes from."""


def classified(contracts: Iterable[Contract]) -> dict[str, str]:
    """Field → classification, of every dataset: a query may join any."""
    return {field: word for contract in contracts for field, word in contract.classifications.items()}


def hidden(sql: str, columns: Sequence[str], fields: Mapping[str, str | None], dialect: str) -> dict[str, str]:
    """Column of the query → what stands in place of its values, of those that may not be told.

    A name that is given to what is made from a classified field, in any part of the query, is hidden wherever it stands:
    rather too much is hidden than too little.

    Args:
        sql: the query.
        columns: the names of what it gave, as the database has them.
        fields: every field that is known, and its classification.
        dialect: sqlglot's name of the SQL.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    words = {field: word for field, word in fields.items() if word}
    try:
        tree = parse_one(sql, dialect=dialect)
    except SqlglotError:
        return dict.fromkeys(columns, UNSURE)
    if any(alias.columns for alias in tree.find_all(exp.TableAlias)):  # names by position: `WITH t (a, b) AS …`
        return dict.fromkeys(columns, UNSURE)
    made = [(alias.alias, {each.name for each in alias.find_all(exp.Column)}) for alias in tree.find_all(exp.Alias)]
    while more := {
        name: words[next(iter(of & words.keys()))] for name, of in made if name not in words and of & words.keys()
    }:
        words |= more
    known = {*fields, *(name for name, _ in made)}

    def word(column: str) -> str | None:
        name = column.rpartition(".")[2]  # of two columns with one name, ClickHouse calls the second by its table too
        return words.get(name) or (None if name in known else UNSURE)

    return {column: found for column in columns if (found := word(column))}
