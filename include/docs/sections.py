"""Generated sections of the documentation pages and their generators.

A section is between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from include.docs import commands, contracts, evolution, operators, settings

DOCS: Final = Path(__file__).parents[2] / "docs"
PART: Final = re.compile(r"<!-- generated: (?P<name>[\w-]+) -->\n.*?<!-- end of (?P=name) -->", re.DOTALL)

SECTIONS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "reference/contracts.md": {
        "avro-types": contracts.avro_types,
        "type-mapping": contracts.type_mapping,
        "avro-attributes": contracts.avro_attributes,
        "custom-properties": contracts.custom_properties,
        "quality-rules": contracts.quality_rules,
        "postgres-types": contracts.postgres_types,
        "not-by-cdc": contracts.not_by_cdc,
        "drift-rules": contracts.drift_rules,
        "plan-rules": evolution.plan_rules,
        "widenings": evolution.widenings,
    },
    "reference/commands.md": {"commands": commands.commands},
    "reference/requirements.md": {"versions": settings.versions},
    "reference/dags.md": {"operators": operators.operators},
    "reference/settings.md": {
        "stack": settings.stack,
        "streams": settings.streams,
        "lineage": settings.lineage,
        "plan": settings.plan,
    },
}
"""Page, relative to `docs/` → section → its generator."""


class Unmarked(Exception):
    """A page lacks the markers of a generated section, or has markers without a generator."""


def regenerated(page: str, text: str) -> str:
    """Return the page with its generated sections replaced. Raises Unmarked."""
    parts = SECTIONS.get(page, {})
    found = [match["name"] for match in PART.finditer(text)]
    if sorted(found) != sorted(parts):
        raise Unmarked(f"docs/{page} must have markers for the sections {sorted(parts)}; found {sorted(found)}")
    return PART.sub(lambda match: _marked(match["name"], parts[match["name"]]()), text)


def _marked(name: str, text: str) -> str:
    return f"<!-- generated: {name} -->\n\n{text.strip()}\n\n<!-- end of {name} -->"
