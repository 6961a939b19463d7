"""The commands of ./headrace, from the CLI itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from include.docs.markdown import code, table
from include.shop.cli import app as shop
from include.stack.cli import app


def commands() -> str:
    """Every command with its arguments and options."""
    rows = []
    for name, command in every_command():
        rows.append((code(f"./headrace {name}"), "", _first_line(command.help)))
        rows += [(f"&emsp;{code(', '.join(p.opts))}", _default(p), p.help or "") for p in parameters(command)]
    return table(("command", "default", "what it does"), rows)


def every_command() -> Iterator[tuple[str, Any]]:
    """(words after ./headrace, command)."""
    top: Any = typer.main.get_command(app)
    for name, command in top.commands.items():
        if name != "shop":
            yield name, command
    group: Any = typer.main.get_command(shop)
    yield from ((f"shop {name}", command) for name, command in group.commands.items())


def parameters(command: Any) -> list[Any]:
    """A command's own arguments and options."""
    return [p for p in command.params if "--help" not in p.opts]


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required" if not parameter.envvar else f"`{parameter.envvar}`"
    return "" if parameter.default in (None, "", False) else code(parameter.default)


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]
