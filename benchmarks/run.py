"""`./headrace bench`: run benchmarks by name, write their results, and the table of them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from benchmarks import readme, results, stack
from benchmarks.context import Context, NotMeasured
from headrace.errors import HeadraceError
from include.stack.console import Progress, err, out

NAMES = (
    "freshness", "refinement", "compaction", "promotions", "snapshot", "catch_up", "dlt_peer", "memory", "dag_parse",
    "up_time", "fidelity", "isolation",
)  # fmt: skip
README = Path(__file__).with_name("README.md")


def main(
    names: Sequence[str],
    *,
    keep: bool,
    instance: str,
    quick: bool,
    repetitions: int | None,
    output: Path | None,
    rows: int | None = None,
) -> int:
    """Exit code: 0, 1 when a benchmark failed, 2 for a name that is none. `quick` writes only to `output`."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        err.print(f"[red]✗[/red] no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
        return 2
    modules = {name: module(name) for name in names or NAMES}
    signal.signal(signal.SIGTERM, _end)
    progress = Progress()
    found = stack.find(instance, quick=quick)
    needed = any(getattr(chosen, "NEEDS_STACK", True) for chosen in modules.values())
    folder = output or (None if quick else results.FOLDER)
    failed: list[str] = []
    try:
        with stack.running(found, progress, keep=keep) if needed else nullcontext(found) as there:
            for name, chosen in modules.items():
                context = Context(there.settings, progress, there.environ, quick=quick, rows=rows)
                times = repetitions or (1 if quick else chosen.REPETITIONS)
                if not _run(name, chosen, context, times, folder):
                    failed.append(name)
    except NotMeasured as error:
        err.print(f"[red]✗[/red] {error}")
        return 1
    if folder == results.FOLDER:
        write_readme()
    return 1 if failed else 0


def module(name: str) -> ModuleType:
    """The benchmark of that name: METHOD, FIGURES, REPETITIONS and run(context)."""
    return import_module(f"benchmarks.{name}")


def write_readme(place: Path = README, folder: Path = results.FOLDER) -> None:
    """Bring the table up to date with the results."""
    modules = {name: module(name) for name in NAMES}
    text = readme.replaced(place.read_text(encoding="utf-8"), readme.render(modules, results.read_all(folder)))
    place.write_text(text, encoding="utf-8")


def _end(number: int, _: FrameType | None) -> None:
    """An order to end leaves no stack behind."""
    raise SystemExit(128 + number)


def _run(name: str, chosen: ModuleType, context: Context, times: int, folder: Path | None) -> bool:
    title = (chosen.__doc__ or name).partition("\n")[0]
    out.print(f"\n[bold]{name}[/bold]  {title}")
    load_before = results.load_average()
    try:
        repetitions = [_repeat(chosen, context, number, times) for number in range(1, times + 1)]
    except (NotMeasured, HeadraceError) as error:
        err.print(f"[red]✗[/red] {name}: {error}")
        return False
    document = results.document(name, title, context.settings, load_before, repetitions)
    _show(chosen, document)
    if folder:
        context.report(f"{name}: {results.write(folder, document)}")
    return True


def _repeat(chosen: ModuleType, context: Context, number: int, times: int) -> Mapping[str, Any]:
    context.report(f"repetition {number} of {times}")
    run: Callable[[Context], Mapping[str, Any]] = chosen.run
    return run(context)


def _show(chosen: ModuleType, document: Mapping[str, Any]) -> None:
    from benchmarks.stats import lookup

    for figure in chosen.FIGURES:
        found = lookup(document["summary"], figure.path)
        if found:
            goal = f"   (goal {figure.goal})" if figure.goal else ""
            out.print(f"  {figure.label}: [bold]{readme.number(found['median'])}[/bold] {figure.unit}{goal}")
