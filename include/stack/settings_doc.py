"""`.env.example` and the settings page, written from the declarations: `python -m include.stack.settings_doc`."""

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
    "port": "Ports: the base plus an offset each; set one to move it alone",
    "wait": "Waits: how long, in the unit that the name ends with",
    "memory": "Memory: heaps and limits, in m or g",
    "secret": "Secrets: made at random at the first start; leave them empty here",
}
"""Kind of setting → the heading under which it stands."""

HEAD = """\
# Every setting of the local stack, with its default. A copy named .env is read at each start; the environment of the
# process wins over it. `./headrace up` makes .env with fresh secrets and mode 600; for containers alone,
# `python3 -m include.stack.make_env` does. Generated from include/stack/settings.py.
"""


def env_example(settings: Iterable[Setting] = SETTINGS) -> str:
    """The text of `.env.example`: every setting with its doc; only secrets are not commented out."""
    parts = [HEAD]
    for heading, members in grouped(settings):
        parts.append(f"\n# --- {heading}\n")
        for setting in members:
            line = f"{setting.name}={value(setting)}"
            parts.append(f"\n# {setting.doc}\n{line if setting.kind == 'secret' else '#' + line}\n")
    return "".join(parts)


def settings_table(settings: Iterable[Setting] = SETTINGS) -> str:
    """The settings as Markdown: a heading and a table for each kind."""
    parts = []
    for heading, members in grouped(settings):
        rows = "".join(f"| `{s.name}` | {_cell(s)} | {s.doc.replace('|', chr(92) + '|')} |\n" for s in members)
        parts.append(f"### {heading}\n\n| setting | default | what it is |\n|---|---|---|\n{rows}")
    return "\n".join(parts)


def grouped(settings: Iterable[Setting]) -> list[tuple[str, list[Setting]]]:
    """(heading, its settings), in the order of the headings."""
    order = list(dict.fromkeys(KINDS.values()))
    by_heading = sorted(settings, key=lambda s: order.index(KINDS[s.kind]))
    return [(heading, list(members)) for heading, members in groupby(by_heading, key=lambda s: KINDS[s.kind])]


def value(setting: Setting) -> str:
    """The default as it stands in an env file; a port's is the sum."""
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
