"""Markdown tables, and the docstrings that stand under attributes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar or a line break in a cell is escaped."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line([_cell(c) for c in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """As code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def attribute_docs(cls: type) -> dict[str, str]:
    """Attribute → the docstring under it, in one line; "" without one."""
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
