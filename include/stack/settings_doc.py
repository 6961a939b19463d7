"""Generate `.env.example` and the settings page from the declarations: `python -m include.stack.settings_doc`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from include.stack.settings import SETTINGS, Kind, Setting

ROOT = Path(__file__).parents[2]
ENV_EXAMPLE = ROOT / ".env.example"

KINDS: Mapping[Kind, str] = {
    "text": "What to run",
    "int": "What to run",
    "port": "Ports: base plus offset; set a port to move only that one",
    "wait": "Waits, in the unit at the end of the name",
    "memory": "Memory: heaps and limits, in m or g",
    "secret": "Secrets: generated at the first start; leave them empty here",
}
"""Kind of setting → its heading."""

HEAD = """\
# All settings of the local stack with their defaults. A copy named .env is read at each start. The process environment
# overrides it. `./headrace up` creates .env with fresh secrets and mode 600. For a containers-only setup,
# run `python3 -m include.stack.make_env`. Generated from include/stack/settings.py.
"""


def env_example(settings: Iterable[Setting] = SETTINGS) -> str:
    """Return the text of `.env.example`: every setting with its description; all but secrets are commented out."""
    parts = [HEAD]
    for heading, members in grouped(settings):
        parts.append(f"\n# --- {heading}\n")
        for setting in members:
            line = f"{setting.name}={value(setting)}"
            parts.append(f"\n# {setting.doc}\n{line if setting.kind == 'secret' else '#' + line}\n")
    return "".join(parts)


def settings_table(settings: Iterable[Setting] = SETTINGS) -> str:
    """Return the settings as Markdown: one heading and one table per kind."""
    parts = []
    for heading, members in grouped(settings):
        rows = "".join(f"| `{s.name}` | {_cell(s)} | {s.doc.replace('|', chr(92) + '|')} |\n" for s in members)
        parts.append(f"### {heading}\n\n| setting | default | description |\n|---|---|---|\n{rows}")
    return "\n".join(parts)


def grouped(settings: Iterable[Setting]) -> list[tuple[str, list[Setting]]]:
    """Return (heading, its settings) in the order of the headings."""
    order = list(dict.fromkeys(KINDS.values()))
    by_heading = sorted(settings, key=lambda s: order.index(KINDS[s.kind]))
    return [(heading, list(members)) for heading, members in groupby(by_heading, key=lambda s: KINDS[s.kind])]


def value(setting: Setting) -> str:
    """Return the default as written in an env file; for a port, base plus offset."""
    if setting.kind != "port":
        return setting.default
    base = next(s.default for s in SETTINGS if s.name == "HEADRACE_PORT_BASE")
    return str(int(base) + int(setting.default))


def _cell(setting: Setting) -> str:
    if setting.kind == "secret":
        return "random"
    return f"`{value(setting)}`" if value(setting) else "empty"


if __name__ == "__main__":
    ENV_EXAMPLE.write_text(env_example())
