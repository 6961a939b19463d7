"""Determine which notifications are due to a route. Pure.

A route is notified once when an alert opens, again when it gets worse, again after a long time while an error stays
open, and once when it is over. Only a route that was notified of the opening is notified of the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from headrace.services.notifications.routes import Route, rank
from headrace.systems.platform.alerts import Alert, Severity

Kind: TypeAlias = Literal["opened", "worse", "still", "over"]
Opening: TypeAlias = tuple[str, datetime]
"""Key and first_seen: identity of one opening of an alert."""


class Notified(NamedTuple):
    """Notifications that a route has received about an opening."""

    severity: Severity
    """Worst severity that it was notified of."""
    at: datetime
    """Time of the last notification."""
    over: bool
    """Whether it was notified of the end."""


class Notice(NamedTuple):
    """Notification of one alert that is due to one route."""

    kind: Kind
    alert: Alert


def due(
    route: Route, alerts: Iterable[Alert], notified: Mapping[Opening, Notified], now: datetime, remind_s: float
) -> tuple[Notice, ...]:
    """Return the notifications that are due to the route now, in the order of the alerts.

    Args:
        route: the receiver.
        alerts: all open alerts, and resolved ones whose end was not sent to every notified route; each with its owner.
        notified: notifications that the route has received.
        now: time of the clock that the alerts were written with.
        remind_s: seconds after which a notification of an open error is repeated.
    """
    kinds = ((alert, _kind(route, alert, notified.get(opening(alert)), now, remind_s)) for alert in alerts)
    return tuple(Notice(kind, alert) for alert, kind in kinds if kind)


def opening(alert: Alert) -> Opening:
    """Return the identity of this opening of the alert."""
    return alert.key, alert.first_seen


def _kind(route: Route, alert: Alert, notified: Notified | None, now: datetime, remind_s: float) -> Kind | None:
    if alert.resolved_at is not None:
        return "over" if notified and not notified.over else None
    if not route.wants(alert):
        return None
    if notified is None:
        return "opened"
    if rank(alert.severity) > rank(notified.severity):
        return "worse"
    if alert.severity == "error" and now - notified.at >= timedelta(seconds=remind_s):
        return "still"
    return None
