"""Silent differences for a reader: the first of each kind, each on a few lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tests.fidelity.compare import Comparison, Difference
from tests.fidelity.exact import shown
from tests.fidelity.tables import Table

AT_MOST = 10


def report(done: Comparison, tables: Iterable[Table]) -> str:
    """One paragraph a difference, one difference a stage and column."""
    known = {table.name: table for table in tables}
    first: dict[tuple[str, str, str], Difference] = {}
    for found in done.differences:
        first.setdefault((found.table, found.column, found.stage), found)
    head = f"{done.silent} silent differences among {done.values:,} values; {done.reported} reported"
    texts = [_text(found, known) for found in list(first.values())[:AT_MOST]]
    rest = len(first) - len(texts)
    return "\n\n".join([head, *texts, *([f"and {rest} more kinds"] if rest else [])])


def _text(found: Difference, known: Mapping[str, Table]) -> str:
    return "\n".join(_lines(found, known[found.table]))


def _lines(found: Difference, table: Table) -> Iterator[str]:
    key = ", ".join(
        f"{column.name} = {shown(column.kind.form, value)}" for column, value in zip(table.key, found.key, strict=False)
    )
    yield f"table {table.name}, key {key}"
    yield f"stage {found.stage}{f', record {found.where}' if found.where else ''}"
    column = next((column for column in table.columns if column.name == found.column), None)
    if column is None:
        yield f"{found.column or 'rows'}: {found.expected} in the source, {found.found} here"
        return
    yield f"column {column.name} ({column.kind.postgres})"
    yield f"  source: {shown(column.kind.form, found.expected)}"
    yield f"  stage:  {shown(column.kind.form, found.found)}"
