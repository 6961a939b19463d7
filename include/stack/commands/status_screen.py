"""Rendering of the status screen: compact tables for a terminal of about 110 columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headrace.services.status.checks import SEVERITIES, Checks
from headrace.services.status.jobs import Job
from headrace.services.status.marts import Mart
from headrace.services.status.overview import Overview
from headrace.services.status.stages import AFTER_RAW, Stages
from headrace.services.status.table import Hop
from headrace.services.status.waiting import WaitingCells
from headrace.systems.platform.alerts import Alert
from include.stack.commands.status import Process, Screen

DOWN: Final = "Headrace is down. Start it with ./headrace up"
HOPS: Final = ("source", "kafka", "raw", "warehouse")
COLOURS: Final = {
    "error": "red", "failed": "red", "warning": "yellow", "waiting": "yellow", "not built": "yellow", "queued": "yellow",
    "starting": "yellow", "running": "green", "built": "green", "deferred": "cyan", "info": "cyan",
}  # fmt: skip
LONGEST: Final = 240
"""Letters of the text of an alert or a failed check; `--json` has the whole text."""
NAMED: Final = 3
"""Subjects that a line names; it counts the others."""


class Layout(NamedTuple):
    """Separator of thousands, and spaces between columns."""

    separator: str
    gap: int


LAYOUTS: Final = (Layout(",", 2), Layout(",", 1), Layout("", 1))
"""Layouts from wide to narrow."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Renderable of the first of these layouts that fits the width, else of the last."""

    layouts: Sequence[RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the layout."""
        unlimited = options.update(max_width=10 * options.max_width)
        fits = (each for each in self.layouts if Measurement.get(console, unlimited, each).maximum <= options.max_width)
        yield next(fits, self.layouts[-1])


@dataclass(frozen=True, slots=True)
class Indented:
    """Renderable of a text with an indent at each line; one line where lines are not wrapped."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the text."""
        yield Text("  ") + self.text if options.no_wrap else Padding(self.text, (0, 0, 0, 2), expand=False)


def render(screen: Screen) -> RenderableType:
    """Return the screen."""
    if not screen.processes:
        return Text(DOWN)
    content, at = screen.content, screen.at
    parts: list[RenderableType] = [Fitting([_tables(content, at, layout) for layout in LAYOUTS]), ""]
    parts += _section("Checks", None if content.checks is None else _checks(content.checks, at))
    parts += _section("Alerts", None if content.alerts is None else _alerts(content.alerts, at))
    parts += _section("Running jobs", None if content.jobs is None else _jobs(content.jobs, at))
    parts += _section("Waiting", _waiting(screen.waiting()))
    return Group(*parts, "", *_processes(screen.processes))


def watch(
    draw: Callable[[], RenderableType],
    every_s: float,
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Redraw in place until Ctrl-C. Where output cannot be redrawn, print each drawing below the last."""
    with suppress(KeyboardInterrupt):
        if not console.is_interactive:
            while True:
                console.print(Group(draw(), ""), soft_wrap=True)
                sleep(every_s)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(draw(), refresh=True)
                sleep(every_s)


def _tables(content: Overview, at: datetime, layout: Layout) -> Group:
    marts = ("", _marts(content.marts, at, layout)) if content.marts else ()
    return Group(_datasets(content.datasets, at, layout), *marts)


def _datasets(datasets: Sequence[Stages], at: datetime, layout: Layout) -> Table:
    shown = _table(layout, "Datasets", *HOPS, *AFTER_RAW, "refined", "freshness", "")
    for stages in datasets:
        waits = {reason.hop for reason in stages.reasons}
        source = stages.hops.get("source")
        behind = {name for name, hop in stages.hops.items() if source and hop.rows != source.rows}
        cells = {**stages.hops, **stages.zones}
        shown.add_row(
            Text(stages.dataset),
            *(_rows(cells.get(name), name in waits | behind, layout) for name in (*HOPS, *AFTER_RAW)),
            _since(at, stages.refined_at, "yellow" if stages.unrefined else ""),
            _freshness(stages),
            Text("…", "yellow") if waits else Text("✓", "green"),
        )
    return shown


def _marts(marts: Sequence[Mart], at: datetime, layout: Layout) -> Table:
    shown = _table(layout, "Marts", "lake", "served", "built", "state")
    shown.columns[-1].justify, shown.columns[-1].no_wrap = "left", False
    for mart in marts:
        waits = {reason.hop for reason in mart.reasons}
        text = f"waits for rows in {', '.join(mart.waits_for)}" if mart.state == "waiting" else mart.state
        shown.add_row(
            Text(mart.mart),
            _rows(mart.lake, "lake" in waits, layout),
            _rows(mart.served, "served" in waits, layout),
            _since(at, mart.built_at),
            Text("last run failed" if mart.state == "failed" else text, COLOURS.get(mart.state, "")),
        )
    return shown


def _checks(checks: Checks, at: datetime) -> Iterator[Text]:
    if checks.at is None:
        yield Text("none has run")
        return
    numbers = [
        f"{severity} {checks.passed.get(severity, 0)} passed, {checks.failed.get(severity, 0)} failed"
        for severity in SEVERITIES
        if checks.passed.get(severity) or checks.failed.get(severity)
    ]
    yield Text(f"{' · '.join(numbers)} · last run {_age(at - checks.at)} ago")
    for dataset, failed in checks.failures:
        rows = f"{failed.unexpected:,} rows, " if failed.unexpected else ""
        yield _line(failed.severity, f"{dataset}, {failed.zone}: {failed.rule}: {rows}{failed.observed}")


def _alerts(alerts: Sequence[Alert], at: datetime) -> Iterator[Text]:
    yield Text(f"{len(alerts)} open" if alerts else "none open")
    yield from (_line(alert.severity, f"{_age(at - alert.first_seen):>4}  {alert.text}") for alert in alerts)


def _jobs(jobs: Sequence[Job], at: datetime) -> Iterator[Text]:
    active = sum(job.state != "failed" for job in jobs)
    failed = f" · {len(jobs) - active} failed at the last run" if active < len(jobs) else ""
    yield Text(f"{active or 'none'}{failed}")
    for job in jobs:
        since = _age(at - job.since) if job.since else "—"
        tasks = ", ".join(f"{task} {state}" for task, state in job.tasks.items())
        yield _line(job.state, f"{since:>4}  {job.dag}{f': {tasks}' if tasks else ''}")


def _waiting(waiting: Sequence[WaitingCells]) -> Iterator[Text]:
    yield Text(f"{len(waiting)} reason{'s' if len(waiting) != 1 else ''}" if waiting else "none")
    for cells in waiting:
        more = f" and {len(cells.subjects) - NAMED} more" if len(cells.subjects) > NAMED else ""
        subjects = ", ".join(cells.subjects[:NAMED]) + more
        since = f" (since {cells.since:%Y-%m-%d %H:%M} UTC)" if cells.since else ""
        line = Text(f"{subjects}, {cells.place}: " if cells.place else f"{subjects}: ", "yellow")
        yield line.append(f"{cells.why}{since}", "default").append(
            f"; {cells.next_step}" if cells.next_step else "", "default"
        )


def _processes(processes: Sequence[Process]) -> Iterator[RenderableType]:
    running = sum(process.state.state == "RUNNING" for process in processes)
    memory = sum(process.pss_mib for process in processes)
    yield Text.assemble(("Processes", "bold"), f"  {running} of {len(processes)} running · memory {memory:,.0f} MiB")
    yield Fitting([_grid(processes, columns) for columns in (3, 2, 1)])


def _grid(processes: Sequence[Process], columns: int) -> Table:
    """Return the processes in columns, each filled from top to bottom."""
    shown, height = Table.grid(padding=(0, 1, 0, 0)), -(-len(processes) // columns)
    for _ in range(columns):
        for justify in ("left", "left", "right", "right"):
            shown.add_column(justify=justify, no_wrap=True)
    for row in range(height):
        shown.add_row(*(cell for process in processes[row::height] for cell in _process(process)))
    return shown


def _process(process: Process) -> tuple[Text, ...]:
    state = process.state.state.lower()
    colour = "yellow" if process.alert else COLOURS.get(state, "red")
    if not process.state.pid:
        return Text(f"  {process.state.name}"), Text(state, colour), Text(""), Text("")
    up = _age(timedelta(seconds=process.state.since_s))
    return Text(f"  {process.state.name}"), Text(state, colour), Text(up), Text(f"{process.pss_mib:,.0f}")


def _section(title: str, lines: Iterator[Text] | None) -> Iterator[RenderableType]:
    """Yield the title beside the first line, and the other lines below."""
    if lines is None:
        yield Text.assemble((title, "bold"), ("  —  no answer", "red"))
        return
    yield Text.assemble((title, "bold"), "  ", next(lines))
    yield from map(Indented, lines)


def _table(layout: Layout, *titles: str) -> Table:
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, layout.gap, 0, 0))
    for title in titles:
        shown.add_column(title, justify="left" if title == titles[0] else "right", no_wrap=True)
    return shown


def _rows(hop: Hop | None, waits: bool, layout: Layout) -> Text:
    if hop is None:
        return Text("—", "dim")
    if hop.rows is None:
        return Text("—", "red")
    return Text(f"{hop.rows:,}".replace(",", layout.separator), "yellow" if waits else "")


def _freshness(stages: Stages) -> Text:
    if stages.fresh_p50_s is None or stages.fresh_p95_s is None:
        return Text("—", "dim")
    return Text(f"{stages.fresh_p50_s:.2f}/{stages.fresh_p95_s:.2f}s")


def _line(kind: str, text: str) -> Text:
    return Text(f"{kind:<8} ", COLOURS.get(kind, "")).append(
        text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", "default"
    )


def _since(at: datetime, then: datetime | None, style: str = "") -> Text:
    return Text(_age(at - then), style) if then else Text("—", "dim")


def _age(age: timedelta) -> str:
    """Return a duration in its largest unit: 12s, 3m, 2h, 4d."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
