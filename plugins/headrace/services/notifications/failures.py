"""Airflow callbacks of every DAG's `default_args`: raise an alert for a failed task, resolve it at its next success.

    default_args={"owner": "platform", **ALERTING}

Every DAG file imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.systems.platform.alerts import failure_key

if TYPE_CHECKING:
    from airflow.sdk import Context

CONTINUOUS_LAPSE_S: Final = 1_800.0
"""Seconds without a failure after which the alert of an endless run is resolved: such a run has no success."""
LONGEST: Final = 600


def raise_on_failure(context: Context) -> None:
    """Raise the alert `dag:<dag>:<task>`. Airflow calls it when no retry is left, also for a task that was killed."""
    from headrace.systems.platform.hook import PlatformHook

    task, dag, run = context["task"], context["dag"], context["ti"]
    PlatformHook.from_connection().raise_alert(
        failure_key(dag.dag_id, task.task_id),
        "error",
        f"task {task.task_id} of the DAG {dag.dag_id} failed: {_cause(context)}",
        str(getattr(task, "dataset", "")),
        owner=task.owner,
        link=str(run.log_url),
        lapses_s=CONTINUOUS_LAPSE_S if getattr(dag, "schedule", None) == "@continuous" else None,
    )


def resolve_on_success(context: Context) -> None:
    """Resolve the alert of `raise_on_failure`."""
    from headrace.systems.platform.hook import PlatformHook

    PlatformHook.from_connection().resolve_alert(failure_key(context["dag"].dag_id, context["task"].task_id))


ALERTING: Final[Mapping[str, Any]] = {
    "on_failure_callback": raise_on_failure,
    "on_success_callback": resolve_on_success,
}
"""Callbacks for a DAG's `default_args`."""


def _cause(context: Context) -> str:
    """Return the cause of the failure, without Airflow's secrets."""
    from airflow.sdk.log import redact  # type: ignore[attr-defined]

    error = context.get("exception")
    text = " ".join(str(redact(str(error or ""))).split()) or (
        type(error).__name__ if error else "it was killed, or timed out"
    )
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
