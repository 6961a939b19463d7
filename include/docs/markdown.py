"""Formatting of Markdown tables, and extraction of attribute docstrings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars in cells are escaped and line breaks become spaces."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line([_cell(c) for c in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """Return the text as inline code; empty for empty text."""
    return f"`{text}`" if str(text) else ""


def attribute_docs(cls: type) -> dict[str, str]:
    """Return attribute → its docstring on one line; "" if it has none."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    last = ""
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            last = statement.target.id
            docs[last] = ""
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and last:
            docs[last], last = " ".join(str(statement.value.value).split()), ""
        else:
            last = ""
    return docs


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
