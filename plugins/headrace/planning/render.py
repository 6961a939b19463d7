"""Render a plan as text, similar to Terraform, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headrace.planning.canonical import config
from headrace.planning.differences import shown
from headrace.planning.plan import Change, Detail, Plan, Refusal
from headrace.planning.resources import Resource
from headrace.planning.resources import to_json as resource_json

_SIGNS: Final[Mapping[str, str]] = {"create": "+", "update": "~", "delete": "-"}
_WIDTH: Final = 160


def render(plan: Plan) -> str:
    """Return the plan as text: each change with its differences, then refusals, notes and the counts."""
    return "\n".join(_lines(plan))


def to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as a JSON object, to store as a run's artefact."""
    return {
        "summary": counts(plan),
        "changes": [_change_json(change) for change in plan.changes],
        "withheld": [_change_json(change) for change in plan.withheld],
        "held": dict(plan.held),
        "retired": list(plan.retired),
        "refusals": [_refusal_json(refusal) for refusal in plan.refusals],
        "notes": [{"kind": n.kind, "resource": list(n.resource.key), "message": n.message} for n in plan.notes],
    }


def counts(plan: Plan) -> dict[str, int]:
    """Count the changes by action, the refusals (including those without a resource) and the held-back datasets."""
    found = {action: sum(c.action == action for c in plan.changes if not c.breaking) for action in _SIGNS}
    refused = [change for change in (*plan.changes, *plan.withheld) if change.breaking]
    of_no_change = [refusal for refusal in plan.refusals if not refusal.resources]
    return {**found, "refused": len(refused) + len(of_no_change), "held": len(plan.held)}


def _lines(plan: Plan) -> Iterator[str]:
    if plan.empty:
        yield "No changes: every system matches the contracts."
    for change in plan.changes:
        yield from _change_lines(change)
        yield ""
    for change in plan.withheld:
        yield from _change_lines(change, held=True)
        yield ""
    for refusal in plan.refusals:
        yield f"! refused: {refusal.message}"
    for dataset, why in plan.held.items():
        yield f"! held back: {dataset}" + ("" if any(dataset in r.datasets for r in plan.refusals) else f": {why}")
    for dataset in plan.retired:
        yield f"i retired: {dataset}: its files were removed. Nothing runs for it any more; its tables and rows stay."
    for note in plan.notes:
        yield f"i {note.kind}: {note.message}"
    if not plan.empty:
        yield _summary(plan)


def _change_lines(change: Change, *, held: bool = False) -> Iterator[str]:
    sign = "!" if change.breaking or held else _SIGNS[change.action]
    action = "refused" if change.breaking else f"held back: {change.action}" if held else change.action
    yield f"{sign} {action} {change.resource.kind} {change.resource.name}"
    if change.action == "create":
        yield from (f"    + {line}" for line in _spec_lines(_public(change.resource)["spec"]))
    for detail in change.details:
        yield f"    {_detail_line(detail)}"


def _detail_line(detail: Detail) -> str:
    sign = "!" if detail.breaking else "+" if detail.before is None else "~"
    values = f"{_short(detail.before)} → {_short(detail.after)}"
    if detail.before is None:
        values = _short(detail.after)
    elif detail.after is None:
        values = f"{_short(detail.before)} → (removed)"
    reason = f"  [{detail.rule}: {detail.message}]" if detail.breaking else ""
    return f"{sign} {detail.path}: {values}{reason}"


def _spec_lines(spec: Mapping[str, Any]) -> Iterator[str]:
    for key, value in spec.items():
        if key == "columns":
            yield from (f"columns.{column['name']}: {_short(column)}" for column in value)
        elif key in ("config", "properties", "settings"):
            yield from (f"{key}.{name}: {_short(v)}" for name, v in value.items())
        else:
            yield f"{key}: {_short(value)}"


def _short(value: Any) -> str:
    """Return a value in one line: a column by its type, a long text by its beginning."""
    if isinstance(value, Mapping) and {"name", "type"} <= value.keys() and "fields" not in value:
        suffix = " required" if value.get("required") else ""
        default = f" default {value['default']}" if value.get("default") is not None else ""
        return f"{_short(value['type'])}{suffix}{default}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"


def _summary(plan: Plan) -> str:
    found = counts(plan)
    return (
        f"Plan: {found['create']} to create, {found['update']} to update, "
        f"{found['delete']} to delete, {found['refused']} refused."
        + (f" Held back: {', '.join(plan.held)}; the rest is carried out." if plan.held else "")
    )


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "resource": _public(change.resource),
        "details": [
            {
                "path": d.path,
                "before": d.before,
                "after": d.after,
                "breaking": d.breaking,
                "rule": d.rule,
                "message": d.message,
                "next_step": d.next_step,
            }
            for d in change.details
        ],
    }


def _public(resource: Resource) -> dict[str, Any]:
    """Return the resource as JSON without secrets."""
    value = resource_json(resource)
    if "config" in value["spec"]:
        found = {key: shown(key, config(v)) for key, v in value["spec"]["config"].items()}
        value["spec"] = {**value["spec"], "config": found}
    return value


def _refusal_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "datasets": list(refusal.datasets),
        "about": refusal.about,
        "rule": refusal.rule,
        "resources": list(refusal.resources),
        "hits": {
            "tables": list(refusal.impact.tables),
            "streams": list(refusal.impact.streams),
            "views": list(refusal.impact.views),
        },
        "message": refusal.message,
    }
