"""Tables of docs/reference/settings.md and of the versions, generated from the declarations."""

from __future__ import annotations

import dataclasses
from typing import Any

from headrace.planning.settings import Catalog, PlanSettings, SourceDatabase
from headrace.streaming.settings import StreamSettings
from include.apps.lineage.config import Config
from include.docs.markdown import attribute_docs, code, table
from include.stack.install import VERSIONS
from include.stack.settings_doc import ROOT, settings_table


def stack() -> str:
    """Return the tables of the local stack's settings."""
    return settings_table()


def streams() -> str:
    """Return a table of a streaming driver's settings."""
    docs = attribute_docs(StreamSettings)
    rows = [(code(f.metadata["environment"]), _default(f), docs[f.name]) for f in dataclasses.fields(StreamSettings)]
    return table(("variable", "default", "description"), rows)


def lineage() -> str:
    """Return a table of the lineage endpoint's settings; each docstring begins with the variable's name."""
    rows = []
    for field in dataclasses.fields(Config):
        name, _, doc = attribute_docs(Config)[field.name].partition(": ")
        rows.append(
            (
                name.replace("HEADRACE_", "`HEADRACE_", 1).replace(" (", "` (", 1) if "(" in name else code(name),
                _default(field),
                doc,
            )
        )
    return table(("variable", "default", "description"), rows)


def plan() -> str:
    """Return tables of the plan's inputs from outside the contracts."""
    parts = []
    for cls, prefix in ((PlanSettings, ""), (SourceDatabase, "sources.<name>."), (Catalog, "catalog.")):
        docs = attribute_docs(cls)
        rows = [(code(prefix + f.name), _default(f), docs[f.name] or _spelled(f.name)) for f in dataclasses.fields(cls)]
        parts.append(table(("value", "default", "description"), rows))
    return "\n".join(parts)


def versions() -> str:
    """Return a table of all versions by origin."""
    rows = [
        (origin, code(name), code(version)) for origin, found in VERSIONS.items() for name, version in found.items()
    ]
    return table(("origin", "name", "version"), rows)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required" if field.default_factory is dataclasses.MISSING else "none"
    text = str(field.default).removeprefix(f"{ROOT}/")
    return code(text) if text else "empty"


def _spelled(name: str) -> str:
    return name.replace("_", " ").capitalize() + "."
