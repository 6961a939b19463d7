"""Emitting the declared lineage: contracts and addresses in, events out."""

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
    """What was said."""

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
    """Declare every job of the contracts, and withdraw those that are declared no more.

    `contracts` are all of them: what is missing counts as gone. Without a `plan_version`, one
    that changes with the declared graph is made.

    Raises:
        SystemUnavailable, SystemRefused: the endpoint does not take it; emitting again is safe.
    """
    jobs = declared(contracts, settings, metrics)
    version = plan_version or _digest(jobs)
    now = at or datetime.now(UTC)
    gone = _gone(hook, jobs)
    said = [*events(jobs, plan_version=version, at=now)]
    said += [withdrawn(*job, plan_version=version, at=now) for job in gone]
    return Emitted(version, len(jobs), len(gone), hook.emit(said))


def _gone(hook: LineageHook, jobs: Sequence[DeclaredJob]) -> list[tuple[str, str]]:
    """Jobs declared before, in the namespaces of this platform, and not now."""
    ours = {job.namespace for job in jobs}
    now = {(job.namespace, job.name) for job in jobs}
    return [job for job in hook.declared_jobs() if job[0] in ours and job not in now]


def _digest(jobs: Sequence[DeclaredJob]) -> str:
    return hashlib.sha256(repr(jobs).encode()).hexdigest()[:16]
