"""The status screen as text: what fits, what is highlighted, how it is redrawn, and what is refused."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType
from rich.text import Text
from typer.testing import CliRunner

from headrace.services.status.checks import summary
from headrace.services.status.jobs import Dags, Job
from headrace.services.status.overview import Observed
from headrace.services.status.table import Hop
from include.stack import cli
from include.stack.commands import status
from include.stack.commands.status import Process, Screen
from include.stack.commands.status_screen import DOWN, render, watch
from include.stack.supervision.supervisor import State
from tests.support.snapshot import assert_snapshot
from tests.unit.services.status.cases import (
    BEFORE,
    CONTRACTS,
    COUPONS,
    NOW,
    TRANSACTIONS,
    alert,
    check,
    row,
    shown,
    well,
    with_last,
    with_rows,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = (
    "airflow-api", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer", "clickhouse", "connect", "kafka",
    "lineage", "postgres", "registry", "seaweedfs", "spark-batch", "stream-retail", "watchdog",
)  # fmt: skip
YELLOW = "\x1b[33m"


def process(name: str, **changes: Any) -> State:
    return State(**{"name": name, "state": "RUNNING", "pid": 7, "since_s": 7_260, "why": "", **changes})


PROCESSES = tuple(Process(process(name), 182.4) for name in NAMES)


def troubled() -> Observed:
    """A platform on which each section has something to tell."""
    cells = {"warehouse": Hop(rows=12, changes=12, waiting=2)}
    hops = [
        row(CONTRACTS[found.dataset], **(cells if found.dataset == "retail.products" else {})) for found in well().hops
    ]
    outcomes = [check("key_unique", "error", passed=True), check("quantity_invalidValues", "warning", passed=False)]
    job = Job("refine_retail_transactions", "r", "running", BEFORE, {"refine": "running"})
    failed = Job("mart_store_daily", "r", "failed", NOW - timedelta(hours=3))
    seen = with_last(with_rows(well(), cleaned__retail_coupons=0), TRANSACTIONS, records=5)
    return replace(
        seen,
        hops=tuple(hops),
        known=replace(
            seen.known, alerts=alert("late:retail.products", "retail.products is late: 2.0 h; promised: 60 min")
        ),
        checks=summary([(TRANSACTIONS, outcome) for outcome in outcomes]),
        dags=Dags(jobs=(job, failed)),
    )


def screen(seen: Observed, processes: tuple[Process, ...] = PROCESSES, **unapplied: str) -> Screen:
    return Screen(NOW, shown(seen), processes, {name.replace("__", "."): why for name, why in unapplied.items()})


def text(found: RenderableType, width: int = 110, *, colours: bool = False, soft_wrap: bool = False) -> str:
    file = io.StringIO()
    system: Any = "standard" if colours else None
    console = Console(file=file, width=width, force_terminal=colours, color_system=system, highlight=False)
    console.print(found, soft_wrap=soft_wrap)
    return file.getvalue()


def test_the_screen_of_a_platform_in_trouble() -> None:
    shut = Process(process("connect", state="FATAL", pid=0), 0.0, "connect has ended soon after each of 8 starts")
    processes = tuple(shut if each.state.name == "connect" else each for each in PROCESSES)
    found = screen(troubled(), processes, retail__campaigns="its contract is not applied yet: trigger apply_contracts")
    assert_snapshot(
        SNAPSHOTS / "status_in_trouble.txt", "\n".join(line.rstrip() for line in text(render(found)).splitlines())
    )


def test_a_platform_that_is_well_fits_on_a_screen() -> None:
    lines = text(render(screen(well()))).splitlines()
    assert_snapshot(SNAPSHOTS / "status_well.txt", "\n".join(line.rstrip() for line in lines))
    assert len(lines) <= 40
    assert max(len(line) for line in lines) <= 110
    assert not [line for line in lines if "…" in line], "nothing is cut off"


def test_a_wide_terminal_separates_thousands() -> None:
    assert "1,469,307" in text(render(screen(well())), 140)
    assert "1469307" in text(render(screen(well())), 110)


def test_there_are_colours_on_a_terminal_only_and_they_mark_the_cells_that_wait() -> None:
    shone = text(render(screen(troubled())), colours=True)
    assert "\x1b[" not in text(render(screen(troubled())))
    (products,) = [line for line in shone.splitlines() if line.startswith("retail.products")]
    assert re.search(rf"{re.escape(YELLOW)}\s*12\b", products)
    (households,) = [line for line in shone.splitlines() if line.startswith("retail.households")]
    assert YELLOW not in households


def test_a_section_that_is_not_available_is_no_empty_one() -> None:
    gone = replace(well(), known=replace(well().known, platform_error="no answer"), checks=None, dags=None)
    lines = text(render(screen(gone))).splitlines()
    for title in ("Checks", "Alerts", "Running jobs"):
        assert f"{title}  —  no answer" in lines
    assert "Alerts  none open" in text(render(screen(well()))).splitlines()


def test_a_reason_is_one_line_where_output_is_no_terminal() -> None:
    why = "its contract was changed but not applied: trigger apply_contracts, " + "and so on " * 30
    piped = text(render(screen(well(), retail__campaigns=why)), soft_wrap=True)
    assert f"  retail.campaigns, contract: {why}" in piped.splitlines()


def test_many_subjects_of_a_reason_are_counted() -> None:
    unapplied = {f"d__t{number}": "its contract is not applied yet" for number in range(5)}
    assert "d.t0, d.t1, d.t2 and 2 more, contract: its contract" in text(render(screen(well(), **unapplied)))


def test_text_of_data_is_no_markup() -> None:
    seen = replace(well(), known=replace(well().known, alerts=alert("late:x", "[red]x[/red] is [late]")))
    assert "[red]x[/red] is [late]" in text(render(screen(seen)))


def drawings(count: int) -> Callable[[], Text]:
    """A drawing that differs each time; then the user presses Ctrl-C."""
    left = iter(range(count))

    def draw() -> Text:
        for number in left:
            return Text(f"drawing {number}")
        raise KeyboardInterrupt

    return draw


@pytest.mark.parametrize("terminal", [True, False])
def test_the_screen_is_redrawn_until_ctrl_c(terminal: bool) -> None:
    file, waits = io.StringIO(), list[float]()
    watch(
        drawings(3),
        0.5,
        Console(file=file, width=110, force_terminal=terminal, force_interactive=terminal),
        waits.append,
    )
    written = file.getvalue()
    assert [number for number in range(4) if f"drawing {number}" in written] == [0, 1, 2]
    assert waits == [0.5] * 3
    assert ("\x1b[1A" in written or "\x1b[2K" in written) == terminal, "redrawn in place"


def test_ctrl_c_while_it_waits_ends_it_too() -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    watch(drawings(3), 2.0, Console(file=io.StringIO(), force_terminal=True), interrupted)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance that never ran."""
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    monkeypatch.setenv("HEADRACE_INSTANCE", "unit")


@pytest.mark.usefixtures("instance")
def test_watch_and_json_are_refused_together() -> None:
    done = CliRunner().invoke(cli.app, ["status", "--watch", "--json"])
    assert done.exit_code == 2
    assert "--watch" in done.output
    assert "--json" in done.output


@pytest.mark.usefixtures("instance")
def test_an_instance_that_is_down_is_reported() -> None:
    done = CliRunner().invoke(cli.app, ["status"])
    assert done.exit_code == 3
    assert text(render(Screen(NOW))).strip() == DOWN
    found = json.loads(CliRunner().invoke(cli.app, ["status", "--json"]).output)
    assert (found["datasets"], found["marts"], found["processes"]) == ({}, {}, {})
    assert (found["checks"], found["alerts"], found["jobs"]) == (None, None, None)
    assert found["not_applied"].keys() == CONTRACTS.keys()


@pytest.mark.usefixtures("instance")
def test_watch_ends_well_by_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> Callable[[], Screen]:
        def measured() -> Screen:
            raise KeyboardInterrupt

        return measured

    monkeypatch.setattr(status, "screen", interrupted)
    done = CliRunner().invoke(cli.app, ["status", "--watch", "--every", "0.1"])
    assert (done.exit_code, done.exception) == (0, None)


def test_the_table_of_up_is_as_before() -> None:
    table = status.render_hops((row(CONTRACTS[TRANSACTIONS], warehouse=Hop(rows=12, changes=12, waiting=2)),))
    titles = [column.header for column in table.columns]
    assert titles == ["dataset", "source", "kafka", "raw lake", "warehouse", "fresh p50", "p95", ""]
    assert "2 dead letters waiting" in text(table, 140)
    assert COUPONS not in text(table, 140)
