"""A run that is waited for is reported while nothing changes, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.stack import airflow_api
from include.stack.airflow_api import AirflowApi
from include.stack.settings import load


class Queued(AirflowApi):
    """Its run's only task is queued for three requests, and then succeeds."""

    requests = 0

    def task_states(self, dag: str, run: str) -> dict[str, str]:
        self.requests += 1
        return {"refine": "queued" if self.requests < 4 else "success"}

    def run_state(self, dag: str, run: str) -> str:
        return self.task_states(dag, run)["refine"]


def test_a_queued_task_is_reported_again_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "REPORT_EVERY_S", -1.0)
    monkeypatch.setattr(airflow_api, "POLL_S", 0.0)
    lines = list[str]()
    Queued(load({"HEADRACE_STATE": str(tmp_path)})).wait_for_run("refine_x", "run", 60, lines.append)
    assert lines == ["refine_x.refine: queued", "refine_x: refine is queued", "refine_x: refine is queued"]
