"""Paused DAGs, active batch jobs and failed last runs, as Airflow reports them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

import httpx

from headrace.errors import SystemUnavailable
from headrace.services.status.jobs import Dags, Job, JobState
from headrace.systems.text import one_line
from include.stack.airflow_api import AirflowApi, AirflowBusy, AirflowRefused

STANDING: Final = "@continuous"
"""Schedule of DAGs that always run: streams and watches. They are no batch jobs."""
UNDER_WAY: Final = (
    "scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule", "restarting",
)  # fmt: skip

Entry = Mapping[str, Any]


def read_dags(api: AirflowApi) -> Dags:
    """Return paused DAGs and jobs. Each request is tried once.

    Raises:
        SystemUnavailable: Airflow does not answer, or refuses.
    """
    try:
        dags = api.listed("/dags", "dags")
        active = api.listed("/dags/~/dagRuns", "dag_runs", state=["running", "queued"], order_by="id")
        batch = [run for run in active if run["dag_id"] not in set(_standing(dags))]
        tasks = api.listed("/dags/~/dagRuns/~/taskInstances", "task_instances", state=UNDER_WAY) if batch else []
        failed = [dag["dag_id"] for dag in api.listed("/dags", "dags", last_dag_run_state="failed")]
        newest = api.listed("/dags/~/dagRuns", "dag_runs", pages=1, state="failed", order_by="-id") if failed else []
    except (AirflowRefused, AirflowBusy, httpx.HTTPError, ValueError, LookupError) as error:
        raise SystemUnavailable("airflow", api.address, one_line(error) or type(error).__name__) from error
    return Dags(
        frozenset(dag["dag_id"] for dag in dags if dag["is_paused"]),
        (*active_jobs(batch, tasks), *failed_jobs(failed, newest)),
    )


def active_jobs(runs: Iterable[Entry], tasks: Iterable[Entry]) -> Iterator[Job]:
    """Yield the jobs of active runs. A job is deferred when all its tasks that are under way are deferred."""
    states: dict[tuple[str, str], dict[str, str]] = {}
    for task in tasks:
        states.setdefault((task["dag_id"], task["dag_run_id"]), {})[task["task_id"]] = str(task["state"])
    for run in runs:
        mine = states.get((run["dag_id"], run["dag_run_id"]), {})
        state = "deferred" if set(mine.values()) == {"deferred"} else run["state"]
        since = _time(run["start_date"] or run["queued_at"])
        yield Job(run["dag_id"], run["dag_run_id"], cast(JobState, state), since, mine)


def failed_jobs(dags: Iterable[str], newest: Iterable[Entry]) -> Iterator[Job]:
    """Yield the last run of each of these DAGs, which failed. `newest` are failed runs of all DAGs, newest first."""
    runs: dict[str, Entry] = {}
    for run in newest:
        runs.setdefault(run["dag_id"], run)
    for dag in dags:
        run = runs.get(dag, {})
        yield Job(dag, run.get("dag_run_id", ""), "failed", _time(run.get("end_date")))


def _standing(dags: Iterable[Entry]) -> Iterator[str]:
    yield from (dag["dag_id"] for dag in dags if dag["timetable_summary"] == STANDING)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
