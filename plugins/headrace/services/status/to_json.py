"""Content of the status screen as a JSON object. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headrace.services.status import table
from headrace.services.status.checks import SEVERITIES, Checks
from headrace.services.status.jobs import Job
from headrace.services.status.marts import Mart
from headrace.services.status.overview import Overview
from headrace.services.status.stages import Stages
from headrace.services.status.table import Hop
from headrace.services.status.waiting import WaitingCells
from headrace.systems.platform.alerts import Alert


def to_json(content: Overview) -> dict[str, Any]:
    """Return the content by section; a section that was not available is None.

    `datasets` are those captured from a source database. `other_datasets` are those of files, of events and of the
    platform.
    """
    captured = {stages.dataset: stages for stages in content.datasets if stages.captured}
    hops = table.to_json(stages.captured for stages in captured.values() if stages.captured)
    return {
        "datasets": {dataset: {**hops[dataset], **_exact_lane(stages)} for dataset, stages in captured.items()},
        "other_datasets": {stages.dataset: _other(stages) for stages in content.datasets if not stages.captured},
        "marts": {mart.mart: _mart(mart) for mart in content.marts},
        "checks": _checks(content.checks) if content.checks else None,
        "alerts": None if content.alerts is None else [_alert(alert) for alert in content.alerts],
        "jobs": None if content.jobs is None else [_job(job) for job in content.jobs],
        "waiting": [_waiting(cells) for cells in content.waiting],
    }


def _exact_lane(stages: Stages) -> dict[str, Any]:
    refined = {"at": _time(stages.refined_at), "waiting": stages.unrefined}
    return {"zones": {zone: _hop(hop) for zone, hop in stages.zones.items()}, "refined": refined}


def _other(stages: Stages) -> dict[str, Any]:
    fresh = {"p50": stages.fresh_p50_s, "p95": stages.fresh_p95_s}
    return {**{name: _hop(hop) for name, hop in stages.hops.items()}, **_exact_lane(stages), "freshness_s": fresh}


def _hop(hop: Hop) -> dict[str, Any]:
    return {"rows": hop.rows, **({"error": hop.error} if hop.error else {})}


def _mart(mart: Mart) -> dict[str, Any]:
    return {
        "lake": _hop(mart.lake),
        "served": _hop(mart.served),
        "built_at": _time(mart.built_at),
        "state": mart.state,
        "waits_for": list(mart.waits_for),
    }


def _checks(checks: Checks) -> dict[str, Any]:
    numbers = {
        severity: {"passed": checks.passed.get(severity, 0), "failed": checks.failed.get(severity, 0)}
        for severity in SEVERITIES
    }
    failures = [
        {
            "dataset": dataset,
            "zone": failed.zone,
            "check": failed.rule,
            "severity": failed.severity,
            "unexpected": failed.unexpected,
            "observed": failed.observed,
            "at": _time(failed.at),
        }
        for dataset, failed in checks.failures
    ]
    return {"at": _time(checks.at), "by_severity": numbers, "failed": failures}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "key": alert.key,
        "severity": alert.severity,
        "dataset": alert.dataset,
        "text": alert.text,
        "since": _time(alert.first_seen),
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "dag": job.dag,
        "run": job.run,
        "state": job.state,
        "since": _time(job.since),
        "tasks": dict(job.tasks),
    }


def _waiting(cells: WaitingCells) -> dict[str, Any]:
    return {
        "subjects": list(cells.subjects),
        "place": cells.place,
        "why": cells.why,
        "since": _time(cells.since),
        "next": cells.next_step,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
