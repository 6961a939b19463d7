"""Hop table and process table of `./headrace status`, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
from rich.table import Table

from headrace.errors import ContractErrors
from headrace.services.status.measure import measure
from headrace.services.status.table import Hop, Hops, to_json
from include.stack.airflow_api import AirflowApi
from include.stack.contracts import applied, contracts
from include.stack.endpoints import systems
from include.stack.settings import Settings
from include.stack.supervision.process_alerts import wrong
from include.stack.supervision.supervisor import State, Supervisor


def hop_table(s: Settings, *, ask_airflow: bool = False) -> tuple[Hops, ...]:
    """Measure every applied dataset at every hop. `ask_airflow`: also ask which DAGs are paused."""
    paused = AirflowApi(s, timeout_s=5.0).paused() if ask_airflow else frozenset()
    return measure(systems(s), tuple(applied(s).values()), paused=paused)


def not_applied(s: Settings) -> dict[str, str]:
    """Return dataset → why its running state differs from its contract in the folder."""
    running = applied(s)
    try:
        wanted = contracts(s)
    except ContractErrors as errors:
        return {error.path: f"{error}; the last applied contract stays in force" for error in errors.errors}
    found = {d: "its contract was changed but not applied" for d, c in wanted.items() if running.get(d, c) != c}
    found |= dict.fromkeys(wanted.keys() - running.keys(), "its contract is not applied yet")
    found |= dict.fromkeys(running.keys() - wanted.keys(), "its contract was deleted, but it still runs")
    return {dataset: f"{why}: trigger apply_contracts" for dataset, why in sorted(found.items())}


def footnotes(s: Settings, table: tuple[Hops, ...]) -> Iterator[str]:
    """Yield one sentence per empty or late cell: dataset, hop, cause, since when, next step. Equal causes are merged."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in table:
        for reason in row.reasons:
            since = f" (since {reason.since:%Y-%m-%d %H:%M} UTC)" if reason.since else ""
            found.setdefault((reason.hop, f"{reason.why}{since}", reason.next_step), []).append(row.dataset)
    for (hop, why, next_step), datasets in found.items():
        yield f"{', '.join(datasets)}, {hop}: {why}" + (f"; {next_step}" if next_step else "")
    yield from (f"{dataset}: {why}" for dataset, why in not_applied(s).items())
    yield from wrong(s).values()


def as_json(s: Settings) -> dict[str, Any]:
    """Return datasets, unapplied contracts and processes as a JSON object."""
    states = Supervisor(s).states()
    datasets = to_json(hop_table(s, ask_airflow=True)) if states else {}
    troubles = wrong(s)
    processes = {
        state.name: {
            "state": state.state.lower(),
            "pid": state.pid,
            "since_s": state.since_s,
            "pss_mib": pss_mib(state.pid),
            "wrong": troubles.get(state.name),
        }
        for state in states
    }
    return {"datasets": datasets, "not_applied": not_applied(s), "processes": processes}


def render_hops(table: tuple[Hops, ...]) -> Table:
    """Return a table with one row per dataset; hops that differ from the source are highlighted."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("dataset", "source", "kafka", "raw lake", "warehouse", "fresh p50", "p95", ""):
        shown.add_column(title, justify="left" if title in ("dataset", "") else "right")
    for row in table:
        cells = [_cell(hop, row.source) for hop in row.hops().values()]
        mark = "[green]✓[/green]" if row.agree else "[yellow]…[/yellow]"
        if row.waiting:
            mark += f" [yellow]{row.waiting:,} dead letters waiting[/yellow]"
        shown.add_row(row.dataset, *cells, _seconds(row.fresh_p50_s), _seconds(row.fresh_p95_s), mark)
    return shown


def render_processes(states: tuple[State, ...]) -> Table:
    """Return a table with one row per process."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("process", "state", "pid", "up", "memory"):
        shown.add_column(title, justify="right" if title in ("pid", "up", "memory") else "left")
    for state in states:
        colour = {"RUNNING": "green", "STARTING": "yellow"}.get(state.state, "red")
        memory = f"{pss_mib(state.pid):,.0f} MiB" if state.pid else ""
        up = _duration(state.since_s) if state.pid else ""
        shown.add_row(state.name, f"[{colour}]{state.state.lower()}[/{colour}]", str(state.pid or ""), up, memory)
    return shown


def pss_mib(pid: int) -> float:
    """Return the proportional set size of a process and all its descendants in MiB; 0 if it does not exist."""
    total = 0
    try:
        parent = psutil.Process(pid) if pid else None
        family = [parent, *parent.children(recursive=True)] if parent else []
    except psutil.NoSuchProcess:
        family = []
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return round(total / 2**20, 1)


def _cell(hop: Hop, source: Hop) -> str:
    if hop.rows is None:
        return "[red]—[/red]"
    text = f"{hop.rows:,}"
    return text if hop.rows == source.rows else f"[yellow]{text}[/yellow]"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f} s"


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"
