"""Table of the ./headrace commands, generated from the CLI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from include.docs.markdown import code, table
from include.shop.cli import app as shop
from include.stack.cli import app


def commands() -> str:
    """Return a table of every command with its arguments and options."""
    rows = []
    for name, command in every_command():
        rows.append((code(f"./headrace {name}"), "", _first_line(command.help)))
        rows += [(f"&emsp;{code(', '.join(p.opts))}", _default(p), p.help or "") for p in parameters(command)]
    return table(("command", "default", "description"), rows)


def every_command() -> Iterator[tuple[str, Any]]:
    """Yield (words after ./headrace, command)."""
    top: Any = typer.main.get_command(app)
    groups = {"shop": typer.main.get_command(shop)}
    for name, command in {**top.commands, **groups}.items():
        members = getattr(command, "commands", None)
        if members is None:
            yield name, command
        else:
            yield from ((f"{name} {member}", inner) for member, inner in members.items())


def parameters(command: Any) -> list[Any]:
    """Return a command's arguments and options, without --help."""
    return [p for p in command.params if "--help" not in p.opts]


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required" if not parameter.envvar else f"`{parameter.envvar}`"
    return "" if parameter.default in (None, "", False) else code(parameter.default)


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]
