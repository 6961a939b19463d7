"""`./headrace status` on the live stack: what it shows is what the stores hold, and it ends well."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from headrace.contracts.contract import Contract
from headrace.contracts.names import view
from include.stack.airflow_api import AirflowRefused
from include.stack.commands.status import as_json
from include.stack.contracts import applied
from tests.conftest import Stack

SECTIONS = ("Datasets", "Marts", "Checks", "Alerts", "Running jobs", "Waiting", "Processes")


def contracts(stack: Stack, *kinds: str) -> list[Contract]:
    return [contract for contract in applied(stack.settings).values() if contract.source.kind in kinds]


def headrace(stack: Stack, *arguments: str) -> subprocess.Popen[str]:
    command = [str(stack.settings.root / "headrace"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))


def test_zones_and_marts_have_the_rows_that_a_reader_finds(
    stack: Stack, warehouse: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    """Compared until equal, as a refinement that another test began may still run."""

    def differences() -> list[str]:
        status = as_json(stack.settings)
        shown = {**status["datasets"], **status["other_datasets"]}
        lake = {
            f"{zone}.{d.replace('.', '_')}": cell for d, cells in shown.items() for zone, cell in cells["zones"].items()
        }
        lake |= {f"cleaned.{mart.replace('.', '_')}": cells["lake"] for mart, cells in status["marts"].items()}
        found = {table: stack.systems.lake.catalog.load_table(table).scan().count() for table in lake}
        served = {mart.id: view(mart) for mart in contracts(stack, "mart") if mart.serving == "clickhouse"}
        return [
            *(table for table, cell in lake.items() if cell != {"rows": found[table]}),
            *(
                mart
                for mart, table in served.items()
                if status["marts"][mart]["served"]["rows"] != warehouse(f"SELECT count() FROM {table}")[0][0]
            ),
        ]

    assert {mart.id for mart in contracts(stack, "mart")} == as_json(stack.settings)["marts"].keys()
    eventually(differences, [])


def test_a_failed_run_and_its_alert_are_shown_until_the_next_success(
    stack: Stack, eventually: Callable[..., Any]
) -> None:
    airflow, key = stack.airflow, "dag:apply_contracts:apply"

    def shown() -> tuple[bool, bool]:
        status = as_json(stack.settings)
        failed = [job for job in status["jobs"] if (job["dag"], job["state"]) == ("apply_contracts", "failed")]
        assert not [
            job for job in status["jobs"] if job["dag"].startswith(("stream_", "watch_")) and job["state"] != "failed"
        ]
        return bool(failed), key in [alert["key"] for alert in status["alerts"]]

    run = airflow.trigger("apply_contracts", {"datasets": ["retail.nothing"]})
    with pytest.raises(AirflowRefused):
        airflow.wait_for_run("apply_contracts", run, 120, lambda line: None)
    eventually(shown, (True, True))
    again = airflow.trigger("apply_contracts", {"plan_only": True})
    airflow.wait_for_run("apply_contracts", again, 120, lambda line: None)
    eventually(shown, (False, False))


def test_the_screen_has_all_sections_and_no_colours_in_a_pipe(stack: Stack) -> None:
    process = headrace(stack, "status")
    text = process.communicate(timeout=120)[0]
    assert process.returncode == 0, text
    assert [title for title in SECTIONS if f"\n{title} " in f"\n{text}"] == list(SECTIONS)
    assert "no answer" not in text
    assert "\x1b" not in text
    for dataset in (contract.id for contract in contracts(stack, "cdc", "file")):
        assert f"\n{dataset} " in text


def test_watch_draws_again_and_ends_well_by_ctrl_c(stack: Stack) -> None:
    process = headrace(stack, "status", "--watch", "--every", "0.1")
    deadline, drawn = time.monotonic() + 120, 0
    assert process.stdout
    try:
        while drawn < 2:
            assert time.monotonic() < deadline
            line = process.stdout.readline()
            assert line, f"it has ended with {process.wait(10)}"
            drawn += line.startswith("Processes")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in rest
