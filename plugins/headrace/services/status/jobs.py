"""Batch jobs in Airflow, and why one has not done its work. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from headrace.services.status.table import Reason
from headrace.systems.platform.alerts import Alert, failure_key

JobState: TypeAlias = Literal["running", "queued", "deferred", "failed"]


class Job(NamedTuple):
    """Run of a DAG that is active, or the last run of a DAG if it failed."""

    dag: str
    run: str
    state: JobState
    since: datetime | None = None
    """Start of an active run, end of a failed one; None if unknown."""
    tasks: Mapping[str, str] = {}
    """Task → state, of the tasks that have begun and not ended."""


@dataclass(frozen=True, slots=True)
class Dags:
    """Paused DAGs and jobs, as Airflow reports them."""

    paused: frozenset[str] = frozenset()
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs and alerts that explain why work is not done."""

    dags: Dags = field(default_factory=Dags)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """Open alerts by key."""

    def active(self, dag: str) -> Job | None:
        """Return the DAG's active job."""
        return next((job for job in self.dags.jobs if job.dag == dag and job.state != "failed"), None)

    def failure(self, dag: str) -> Reason | None:
        """Return why the DAG's last run failed, with an empty place; None if it did not fail, or a job is active."""
        if self.active(dag):
            return None
        step = f"fix the cause, then clear the failed task of {dag}"
        for key, alert in self.alerts.items():
            if key.startswith(failure_key(dag, "")):
                return Reason("", alert.text, alert.first_seen, step)
        failed = (job for job in self.dags.jobs if job.dag == dag)
        return next((Reason("", f"the last run of {dag} failed", job.since, step) for job in failed), None)

    def undone(self, place: str, what: str, dag: str, pattern: str) -> Reason:
        """Return why the DAG has not done its work.

        Args:
            place: hop or zone that waits for the work.
            what: what is not done, such as "changes in raw are not refined".
            dag: id of the DAG.
            pattern: the id with placeholders, so that equal reasons of several datasets can be merged.
        """
        if job := self.active(dag):
            return Reason(place, f"{what}; a run of {pattern} is {job.state}", None, "run status again")
        if failure := self.failure(dag):
            return failure._replace(hop=place, why=f"{what}: {failure.why}")
        if dag in self.dags.paused:
            return Reason(place, f"{what}: the DAG is paused", None, f"unpause {pattern} in Airflow")
        return Reason(place, f"{what} yet", None, f"wait for the next run of {pattern}, or trigger it")
