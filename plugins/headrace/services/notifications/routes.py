"""Read the alert routes of the Airflow connection `alerts_default`. Pure, except for references to secrets.

Connection `alerts_default`, type generic; extra:

    {"routes": [{"name": "oncall", "url": "env:HEADRACE_ALERTS_URL", "severity": "error"},
                {"name": "till", "url": "mailtos://…", "owners": ["till"], "domains": ["retail"]}],
     "remind_hours": 24}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, get_args

from headrace.errors import SystemRefused
from headrace.systems.platform.alerts import Alert, Severity
from headrace.systems.references import hide, resolved

CONNECTION: Final = "alerts_default"
KEYS: Final = frozenset({"name", "url", "severity", "owners", "domains"})
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
REMIND_HOURS: Final = 24.0
SEVERITIES: Final = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Route:
    """Receiver of alerts. Its representation hides the URL, which is a secret."""

    name: str
    """Name under which sent notifications are recorded."""
    url: str = field(repr=False)
    """URL in Apprise's form."""
    severity: Severity = "info"
    """Lowest severity that is sent."""
    owners: tuple[str, ...] = ()
    """Owners whose alerts are sent; empty: all."""
    domains: tuple[str, ...] = ()
    """Domains whose alerts are sent; empty: all."""

    def wants(self, alert: Alert) -> bool:
        """Return whether the alert, which has its owner, goes to this route."""
        domain = alert.dataset.partition(".")[0]
        return (
            rank(alert.severity) >= rank(self.severity)
            and (not self.owners or alert.owner in self.owners)
            and (not self.domains or domain in self.domains)
            and alert.key != trouble_key(self.name)  # its own failures go to the other routes
        )


class Routes(NamedTuple):
    """Settings of the connection."""

    routes: tuple[Route, ...] = ()
    problems: tuple[str, ...] = ()
    """One sentence for each route that cannot be used; the others can."""
    remind_s: float = REMIND_HOURS * 3600
    """Seconds after which a notification of an open error is repeated."""


def rank(severity: Severity) -> int:
    """Return the rank of a severity; worse is higher."""
    return SEVERITIES.index(severity)


def trouble_key(route: str) -> str:
    """Return the key of the alert about a route that refuses messages."""
    return f"notify:{route}"


def read_routes(extra: Mapping[str, Any]) -> Routes:
    """Return the routes in a connection's extra."""
    routes, problems = dict[str, Route](), list[str]()
    given = extra.get("routes") or []
    for number, each in enumerate(given if isinstance(given, list) else [given], 1):
        try:
            route = _route(each, number)
        except (ValueError, SystemRefused) as wrong:
            problems.append(str(wrong))
            continue
        if route.name in routes:
            problems.append(f"connection {CONNECTION}: two routes are named {route.name}; give each its own name")
        routes.setdefault(route.name, route)
    hours = extra.get("remind_hours", REMIND_HOURS)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
        problems.append(f"connection {CONNECTION}: `remind_hours` must be a positive number; got {hours!r}")
        hours = REMIND_HOURS
    return Routes(tuple(routes.values()), tuple(problems), hours * 3600.0)


def _route(given: Any, number: int) -> Route:
    place = f"connection {CONNECTION}: route {number}"
    if not isinstance(given, Mapping):
        raise ValueError(f"{place} must be an object {{name, url, severity, owners, domains}}")
    if unknown := sorted(given.keys() - KEYS):
        raise ValueError(f"{place} has the unknown key {unknown[0]!r}; known keys: {', '.join(sorted(KEYS))}")
    name, severity = given.get("name"), given.get("severity", "info")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{place}: `name` must be in lower case, such as oncall; got {name!r}")
    if severity not in SEVERITIES:
        raise ValueError(f"{place}: `severity` must be one of {', '.join(SEVERITIES)}; got {severity!r}")
    url = resolved(given.get("url"), f"{CONNECTION}, route {name}")
    if not isinstance(url, str) or "://" not in url:
        raise ValueError(f"{place} ({name}) has no URL; expected an Apprise URL, or env:HEADRACE_…")
    hide(url)
    return Route(name, url, severity, _names(given, "owners", place), _names(given, "domains", place))


def _names(given: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    names = given.get(key) or ()
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{place}: `{key}` must be a list of names; got {names!r}")
    return tuple(names)
