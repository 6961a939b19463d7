"""The generated part of README.md: the table of figures, where the CPU went, and how each figure was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from benchmarks.cpu import APART
from benchmarks.figure import Figure
from benchmarks.machine import one_line
from benchmarks.stats import lookup

BEGIN, END = "<!-- figures: written by ./headrace bench -->", "<!-- end of figures -->"
BUSY_CORES = 0.2
"""Above so many cores kept busy by others a figure is marked."""


def replaced(text: str, generated: str) -> str:
    """The text with what stands between the markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} … {END} in the text")
    return f"{before}{BEGIN}\n\n{generated.strip()}\n\n{END}{after}"


def render(modules: Mapping[str, ModuleType], documents: Mapping[str, Any]) -> str:
    """Markdown for the documents that there are, in the order of the modules."""
    known = {name: (module, documents[name]) for name, module in modules.items() if name in documents}
    if not known:
        return "No results yet: run `./headrace bench`."
    parts = [*_figures(known), "", *_cpu(known), "", *_methods(known), "", *_machines(known)]
    return "\n".join(parts)


def _figures(known: Mapping[str, tuple[ModuleType, Any]]) -> Iterator[str]:
    yield "| figure | median | min … max | unit | goal | |"
    yield "|---|--:|--:|---|---|---|"
    for name, (module, document) in known.items():
        for figure in module.FIGURES:
            found = lookup(document["summary"], figure.path)
            if found is not None:
                yield _figure(name, figure, found, document)


def _figure(name: str, figure: Figure, found: Mapping[str, float], document: Any) -> str:
    low_high = f"{number(found['min'])} … {number(found['max'])}"
    mark = " ⚠" if (document["cores_of_others"] or 0) > BUSY_CORES else ""
    source = f"[{name}](results/{name}.json), n = {len(document['repetitions'])}{mark}"
    return f"| {figure.label} | {number(found['median'])} | {low_high} | {figure.unit} | {figure.goal} | {source} |"


def _cpu(known: Mapping[str, tuple[ModuleType, Any]]) -> Iterator[str]:
    lines = [
        f"| {label} | {_shares(lookup(document['summary'], path))} |"
        for module, document in known.values()
        for label, path in getattr(module, "CPU", {}).items()
        if lookup(document["summary"], path)
    ]
    if lines:
        yield from ("**Where the CPU went** (CPU-seconds, median; Airflow's processes as one)", "")
        yield from ("| load | processes of the platform |", "|---|---|", *lines)


def _shares(by_process: Mapping[str, Mapping[str, float]]) -> str:
    used: dict[str, float] = {}
    for name, found in by_process.items():
        if name not in APART:
            family = "airflow" if name.startswith("airflow-") else name
            used[family] = used.get(family, 0.0) + found["median"]
    total = sum(used.values()) or 1.0
    ordered = sorted(used.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {value:.1f} ({value / total:.0%})" for name, value in ordered if value / total >= 0.01)


def _methods(known: Mapping[str, tuple[ModuleType, Any]]) -> Iterator[str]:
    yield "**How it was measured**"
    for name, (module, _) in known.items():
        yield ""
        yield f"- `{name}`. {module.METHOD}"


def _machines(known: Mapping[str, tuple[ModuleType, Any]]) -> Iterator[str]:
    yield "**Where and when** (versions and settings are in the JSON files)"
    yield ""
    for name, (_, document) in known.items():
        busy = document["cores_of_others"]
        beside = "" if busy is None else f"; others kept at most {busy:.2f} cores busy"
        yield (
            f"- `{name}`: {document['date']}, commit {document['commit']}, `{document['command']}`,"
            f" {one_line(document['machine'])}{beside}"
        )


def number(value: float) -> str:
    """For people: three digits that matter, whole from 100 on."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
