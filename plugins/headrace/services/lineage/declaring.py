"""Emit the lineage that the contracts declare, as OpenLineage events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headrace.contracts.contract import Contract
from headrace.planning.lineage import declared
from headrace.planning.lineage_events import events, withdrawn
from headrace.planning.lineage_types import DeclaredJob, LineageSettings, MetricTable
from headrace.services.lineage.hook import LineageHook


@dataclass(frozen=True, slots=True)
class Emitted:
    """Numbers of the emitted jobs, withdrawals and events."""

    plan_version: str
    jobs: int
    withdrawn: int
    events: int


def emit_declared(
    hook: LineageHook,
    contracts: Sequence[Contract],
    settings: LineageSettings,
    metrics: Iterable[MetricTable] = (),
    *,
    plan_version: str = "",
    at: datetime | None = None,
) -> Emitted:
    """Declare every job of the contracts, and withdraw jobs that are no longer declared.

    `contracts` must be all contracts: missing ones count as removed. Without `plan_version`, the version is a hash of
    the declared graph.

    Raises:
        SystemUnavailable, SystemRefused: the endpoint did not accept the events; emitting again is safe.
    """
    jobs = declared(contracts, settings, metrics)
    version = plan_version or _digest(jobs)
    now = at or datetime.now(UTC)
    gone = _gone(hook, jobs)
    declared_events = [*events(jobs, plan_version=version, at=now)]
    declared_events += [withdrawn(*job, plan_version=version, at=now) for job in gone]
    return Emitted(version, len(jobs), len(gone), hook.emit(declared_events))


def _gone(hook: LineageHook, jobs: Sequence[DeclaredJob]) -> list[tuple[str, str]]:
    """Return the jobs that were declared before, in the namespaces of this platform, and are not declared now."""
    ours = {job.namespace for job in jobs}
    now = {(job.namespace, job.name) for job in jobs}
    return [job for job in hook.declared_jobs() if job[0] in ours and job not in now]


def _digest(jobs: Sequence[DeclaredJob]) -> str:
    return hashlib.sha256(repr(jobs).encode()).hexdigest()[:16]
