"""Jobs from the answers of Airflow's API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.errors import SystemUnavailable
from headrace.services.status.jobs import Job
from include.stack.airflow_api import PAGE, AirflowApi
from include.stack.commands.jobs import UNDER_WAY, read_dags
from include.stack.settings import ensure_secrets, load

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def dag(name: str, schedule: str | None = "@daily", *, paused: bool = False) -> dict[str, Any]:
    return {"dag_id": name, "timetable_summary": schedule, "is_paused": paused}


def run(name: str, run_id: str, state: str, **times: str) -> dict[str, Any]:
    return {"dag_id": name, "dag_run_id": run_id, "state": state, "start_date": None, "end_date": None, "queued_at": None, **times}  # fmt: skip


def task(name: str, run_id: str, task_id: str, state: str) -> dict[str, Any]:
    return {"dag_id": name, "dag_run_id": run_id, "task_id": task_id, "state": state}


NOON = "2026-11-28T12:00:00Z"
DAGS = [
    dag("stream_retail", "@continuous"),
    dag("refine_a"),
    dag("refine_b", paused=True),
    dag("mart_c", None),
    *(dag(f"other_{number}") for number in range(PAGE)),
]
RUNS = [
    run("stream_retail", "s", "running", start_date=NOON),
    run("refine_a", "r1", "running", start_date=NOON),
    run("refine_a", "r2", "queued", queued_at=NOON),
    run("mart_c", "m", "running", start_date=NOON),
    run("mart_d", "old", "failed", end_date="2026-11-27T12:00:00Z"),
    run("mart_d", "new", "failed", end_date=NOON),
    run("mart_e", "past", "failed", end_date=NOON),
]
TASKS = [
    task("stream_retail", "s", "keep", "deferred"),
    task("refine_a", "r1", "refine", "running"),
    task("refine_a", "r1", "serve", "scheduled"),
    task("mart_c", "m", "build", "deferred"),
]


def airflow(request: httpx.Request) -> httpx.Response:
    """What Airflow answers, filtered and page by page as by its API."""
    if request.method == "POST":
        return httpx.Response(201, json={"access_token": "t"})
    params, path = request.url.params, request.url.path.removeprefix("/api/v2")
    states = params.get_list("state")
    if path == "/dags":
        key, found = "dags", [dag("mart_d"), dag("mart_f")] if params.get("last_dag_run_state") == "failed" else DAGS
    elif path.endswith("taskInstances"):
        key, found = "task_instances", TASKS
    else:
        key, found = "dag_runs", RUNS
    chosen = [each for each in found if not states or each["state"] in states]
    if params.get("order_by") == "-id":
        chosen = chosen[::-1]
    start, limit = int(params["offset"]), min(int(params["limit"]), PAGE)
    return httpx.Response(200, json={key: chosen[start : start + limit], "total_entries": len(chosen)})


@pytest.fixture
def api(tmp_path: Path) -> Callable[[Callable[[httpx.Request], httpx.Response]], AirflowApi]:
    """`api(answer)`: the client of a server that answers so."""
    environ = {"HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"}
    settings = ensure_secrets(load(environ), environ)

    def made(answer: Callable[[httpx.Request], httpx.Response]) -> AirflowApi:
        client = AirflowApi(settings)
        client._http = httpx.Client(base_url=client.address, transport=httpx.MockTransport(answer))
        return client

    return made


def test_batch_jobs_are_shown_and_what_always_runs_is_not(api: Any) -> None:
    found = read_dags(api(airflow))
    assert found.paused == {"refine_b"}
    assert found.jobs == (
        Job("refine_a", "r1", "running", AT, {"refine": "running", "serve": "scheduled"}),
        Job("refine_a", "r2", "queued", AT),
        Job("mart_c", "m", "deferred", AT, {"build": "deferred"}),
        Job("mart_d", "new", "failed", AT),
        Job("mart_f", "", "failed", None),
    )


def test_all_dags_are_requested_page_by_page(api: Any) -> None:
    assert len(api(airflow).listed("/dags", "dags")) == len(DAGS) > PAGE
    assert len(api(airflow).listed("/dags", "dags", pages=1)) == PAGE


def test_an_idle_platform_gets_no_request_for_tasks(api: Any) -> None:
    paths = list[str]()

    def idle(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("dagRuns"):
            return httpx.Response(200, json={"dag_runs": [], "total_entries": 0})
        return airflow(request)

    assert not [job for job in read_dags(api(idle)).jobs if job.state != "failed"]
    assert not [path for path in paths if path.endswith("taskInstances")]
    assert "deferred" in UNDER_WAY


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused", request=request)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refused, "Connection refused"),
        (lambda _: httpx.Response(503, text="restarting"), "status 503"),
        (lambda request: httpx.Response(500) if request.method == "GET" else airflow(request), "returned 500"),
        (lambda request: httpx.Response(200, text="<html>") if request.method == "GET" else airflow(request), ""),
        (lambda request: httpx.Response(200, json={}) if request.method == "GET" else airflow(request), "dags"),
    ],
)
def test_an_airflow_that_does_not_answer_is_one_failure(api: Any, answer: Any, why: str) -> None:
    with pytest.raises(SystemUnavailable, match="airflow at http://127") as raised:
        read_dags(api(answer))
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)
    json.dumps(str(raised.value))
