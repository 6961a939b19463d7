"""A run of a DAG as a benchmark sees it: seconds of its tasks, CPU-seconds of the platform, what was returned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks import cpu
from benchmarks.context import Context, NotMeasured
from include.stack.airflow_api import AirflowApi, AirflowRefused

WITHIN_S = 3600.0
SET_OFF_WITHIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run that has succeeded."""

    seconds: float
    """From the order until success was seen, asked once a second."""
    task_s: Mapping[str, float] = field(hash=False)
    cpu: Mapping[str, Any] = field(hash=False)
    returned: Any = field(hash=False)
    """What the task that was asked for has returned."""

    def to_json(self, task: str, rows: int) -> dict[str, Any]:
        """Plain numbers about one task and the rows that it was about."""
        seconds = self.task_s[task]
        return {
            "rows": rows,
            "task_s": round(seconds, 2),
            "run_s": round(self.seconds, 2),
            "rows_per_s": round(rows / seconds),
            "rows_per_cpu_s": cpu.rows_per_cpu_s(rows, self.cpu)["platform"],
            "cpu_s": dict(self.cpu),
        }


def carried_out(context: Context, dag: str, task: str, **params: Any) -> Run:
    """Order a run and follow it to its end.

    Raises:
        NotMeasured: it failed.
    """
    return _followed(context, dag, task, lambda: AirflowApi(context.settings).trigger(dag, params))


def set_off(context: Context, dag: str, task: str) -> Run:
    """Switch the DAG on and follow the run that its assets set off then, from when that is there, to its end.

    Raises:
        NotMeasured: it failed, or none was set off.
    """
    airflow = AirflowApi(context.settings)

    def by_asset() -> set[str]:
        return {run["dag_run_id"] for run in airflow.runs(dag, run_type="asset_triggered")}

    earlier = by_asset()
    airflow.pause(dag, False)
    try:
        context.wait(lambda: by_asset() > earlier, SET_OFF_WITHIN_S, f"a run of {dag} by what has landed", every_s=0.5)
        return _followed(context, dag, task, lambda: (by_asset() - earlier).pop())
    finally:
        airflow.pause(dag, True)


def _followed(context: Context, dag: str, task: str, order: Callable[[], str]) -> Run:
    airflow = AirflowApi(context.settings)
    used, began = context.cpu(), time.monotonic()
    run = order()
    try:
        airflow.wait_for_run(dag, run, WITHIN_S, lambda line: None)
    except AirflowRefused as refused:
        raise NotMeasured(str(refused)) from refused
    took, spent = time.monotonic() - began, cpu.spent(used, context.cpu())
    return Run(took, airflow.task_seconds(dag, run), spent, airflow.returned(dag, run, task))


@contextmanager
def switched_on(context: Context, *dags: str) -> Iterator[None]:
    """The DAGs are on inside the block; runs that this sets off are over when it begins."""
    airflow = AirflowApi(context.settings)
    for dag in dags:
        airflow.pause(dag, False)
    try:
        for dag in dags:
            quiet(context, dag)
        yield
    finally:
        for dag in dags:
            airflow.pause(dag, True)


def quiet(context: Context, dag: str) -> None:
    """Wait until no run of the DAG is under way. Raises NotMeasured."""
    airflow = AirflowApi(context.settings)
    under_way = ["queued", "running"]
    context.wait(lambda: not airflow.runs(dag, state=under_way), WITHIN_S, f"the runs of {dag} over", every_s=1)
