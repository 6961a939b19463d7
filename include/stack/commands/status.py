"""Content of `./headrace status`: what the library observes, with the processes of the instance."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPException
from typing import Any, Final

import psutil
from rich.table import Table

from headrace.contracts.contract import Contract
from headrace.errors import ContractErrors
from headrace.planning.marts import marts
from headrace.services.status.calls import begin
from headrace.services.status.measure import measure
from headrace.services.status.observe import observe
from headrace.services.status.overview import Overview, overview
from headrace.services.status.table import Hop, Hops, Reason
from headrace.services.status.to_json import to_json
from headrace.services.status.waiting import WaitingCells, merged
from headrace.systems.bundle import Systems
from include.stack.airflow_api import AirflowApi
from include.stack.commands.jobs import read_dags
from include.stack.contracts import applied, contracts
from include.stack.endpoints import endpoints, systems
from include.stack.settings import Settings
from include.stack.supervision.process_alerts import read_alerts
from include.stack.supervision.supervisor import State, Supervisor

ANSWER_S: Final = 10.0
"""Seconds that one call of the status screen waits for an answer."""
AIRFLOW_S: Final = 5.0
"""Seconds that one request of the status screen to Airflow waits for an answer."""


@dataclass(frozen=True, slots=True)
class Process:
    """Process of the instance with its memory, and what the watchdog reports about it."""

    state: State
    pss_mib: float
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """Content of the whole screen."""

    at: datetime
    content: Overview = field(default_factory=Overview)
    processes: tuple[Process, ...] = ()
    """Empty when the instance is down."""
    not_applied: Mapping[str, str] = field(default_factory=dict)
    """Dataset → why its running state differs from its contract in the folder."""

    def waiting(self) -> tuple[WaitingCells, ...]:
        """Return the waiting cells, and what the contracts and the processes wait for."""
        unapplied = merged((dataset, Reason("contract", why)) for dataset, why in self.not_applied.items())
        silent = merged(
            (p.state.name, Reason("process", p.alert, None, f"./headrace logs {p.state.name}"))
            for p in self.processes
            if p.alert
        )
        return (*silent, *self.content.waiting, *unapplied)


def hop_table(s: Settings) -> tuple[Hops, ...]:
    """Measure every captured dataset at every hop."""
    return measure(systems(s), tuple(applied(s).values()))


def screen(s: Settings) -> Callable[[], Screen]:
    """Return a function that measures everything; its clients are kept from call to call."""
    clients = cache(lambda: (Systems.at(endpoints(s), timeout_s=ANSWER_S), AirflowApi(s, timeout_s=AIRFLOW_S)))

    def measured() -> Screen:
        states = _states(s)
        if not states:
            return Screen(datetime.now(UTC))
        (known, airflow), index = clients(), tuple(applied(s).values())
        processes, unapplied = begin(lambda: _processes(s, states)), begin(lambda: not_applied(s))
        content = overview(observe(known, index, lambda: read_dags(airflow)), index, _mart_sql(s, index))
        return Screen(datetime.now(UTC), content, processes.result(), unapplied.result())

    return measured


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


def as_json(s: Settings) -> dict[str, Any]:
    """Return the content of the screen as a JSON object."""
    found = screen(s)()
    processes = {
        each.state.name: {
            "state": each.state.state.lower(),
            "pid": each.state.pid,
            "since_s": each.state.since_s,
            "pss_mib": each.pss_mib,
            "wrong": each.alert or None,
        }
        for each in found.processes
    }
    unapplied = found.not_applied if found.processes else not_applied(s)
    return {**to_json(found.content), "not_applied": dict(unapplied), "processes": processes}


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


def _states(s: Settings) -> tuple[State, ...]:
    """Return the states of all processes; none when the supervisor does not answer."""
    with suppress(OSError, HTTPException, xmlrpc.client.Error):
        return Supervisor(s).states()
    return ()


def _processes(s: Settings, states: tuple[State, ...]) -> tuple[Process, ...]:
    alerts = read_alerts(s)
    return tuple(Process(state, pss_mib(state.pid), alerts.get(state.name, "")) for state in states)


def _mart_sql(s: Settings, index: tuple[Contract, ...]) -> dict[str, str]:
    """Return mart → text of its SQL file; no entry without a file."""
    files = {mart.id: s.root / "include" / "sql" / "marts" / f"{mart.name}.sql" for mart in marts(index)}
    return {mart: file.read_text() for mart, file in files.items() if file.exists()}


def _cell(hop: Hop, source: Hop) -> str:
    if hop.rows is None:
        return "[red]—[/red]"
    text = f"{hop.rows:,}"
    return text if hop.rows == source.rows else f"[yellow]{text}[/yellow]"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f} s"
