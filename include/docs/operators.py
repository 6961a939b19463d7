"""Table of the library's Airflow operators, generated from their docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from include.docs.markdown import code, table

LIBRARY: Final = Path(__file__).parents[2] / "plugins" / "headrace"


def operators() -> str:
    """Return a table of every operator with its module and description."""
    rows = [(code(name), code(module), what) for module, name, what in every_operator()]
    return table(("operator", "module", "description"), rows)


def every_operator() -> Iterator[tuple[str, str, str]]:
    """Yield (module, class, first paragraph of its docstring) in order of the modules, without importing them."""
    for file in sorted(LIBRARY.rglob("*.py")):
        module = ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Operator"):
                yield module, node.name, " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
