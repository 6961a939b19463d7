"""What is due to be told, and to whom. Pure.

Each opening is told once, a worsening again, an error that stays open again after a long while, and once that it is
over: to whoever was told that it began, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from headrace.services.notifications.routes import Route, rank
from headrace.systems.platform.alerts import Alert, Severity

Kind: TypeAlias = Literal["opened", "worse", "still", "over"]
Opening: TypeAlias = tuple[str, datetime]
"""Key and first_seen: what tells one opening of an alert from the next."""


class Told(NamedTuple):
    """What a route knows of an opening."""

    severity: Severity
    """The worst that it was told."""
    at: datetime
    """When it was last told."""
    over: bool
    """Whether it knows the end."""


class Notice(NamedTuple):
    """One alert that is due to one route."""

    kind: Kind
    alert: Alert


def due(
    route: Route, alerts: Iterable[Alert], told: Mapping[Opening, Told], now: datetime, remind_s: float
) -> tuple[Notice, ...]:
    """What the route is to be told now, in the order of the alerts.

    Args:
        route: to whom.
        alerts: all that are open, and those resolved of which somebody does not know the end; each with its owner.
        told: what this route knows.
        now: by the clock that the alerts were written with.
        remind_s: after how long an open error is told again.
    """
    kinds = ((alert, _kind(route, alert, told.get(opening(alert)), now, remind_s)) for alert in alerts)
    return tuple(Notice(kind, alert) for alert, kind in kinds if kind)


def opening(alert: Alert) -> Opening:
    """What tells this opening from any other."""
    return alert.key, alert.first_seen


def _kind(route: Route, alert: Alert, told: Told | None, now: datetime, remind_s: float) -> Kind | None:
    if alert.resolved_at is not None:
        return "over" if told and not told.over else None
    if not route.wants(alert):
        return None
    if told is None:
        return "opened"
    if rank(alert.severity) > rank(told.severity):
        return "worse"
    if alert.severity == "error" and now - told.at >= timedelta(seconds=remind_s):
        return "still"
    return None
