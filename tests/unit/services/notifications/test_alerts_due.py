"""A route is notified once of each opening, of a worsening, of an error that stays open, and once of the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.services.notifications.due import Notice, Notified, due, opening
from headrace.services.notifications.routes import Route, rank
from tests.support.alerts import BEGAN, alert, over

DAY = 86_400.0
ROUTE = Route("oncall", "json://x", "warning")


def kinds(route: Route, *alerts: Any, notified: Any = None, after_s: float = 10.0) -> list[str]:
    found = due(route, alerts, notified or {}, BEGAN + timedelta(seconds=after_s), DAY)
    return [notice.kind for notice in found]


def notified(which: Any, severity: Any = "error", over: bool = False) -> Any:
    return {opening(which): Notified(severity, BEGAN, over)}


def test_an_opening_is_notified_once() -> None:
    assert kinds(ROUTE, alert()) == ["opened"]
    assert kinds(ROUTE, alert(), notified=notified(alert())) == []
    assert kinds(ROUTE, alert(times=9), notified=notified(alert())) == []


def test_the_next_opening_of_the_same_alert_is_notified_too() -> None:
    again = alert(first_seen=BEGAN + timedelta(hours=1))
    assert kinds(ROUTE, again, notified=notified(alert())) == ["opened"]


def test_a_higher_severity_is_notified_and_a_lower_one_is_not() -> None:
    assert kinds(ROUTE, alert(), notified=notified(alert(), "warning")) == ["worse"]
    assert kinds(ROUTE, alert(severity="warning"), notified=notified(alert())) == []


def test_an_error_that_stays_open_is_notified_again_and_a_warning_is_not() -> None:
    assert kinds(ROUTE, alert(), notified=notified(alert()), after_s=DAY - 1) == []
    assert kinds(ROUTE, alert(), notified=notified(alert()), after_s=DAY) == ["still"]
    assert kinds(ROUTE, alert(severity="warning"), notified=notified(alert(), "warning"), after_s=DAY) == []


def test_the_end_is_notified_once_to_a_route_that_got_the_opening() -> None:
    assert kinds(ROUTE, over(alert()), notified=notified(alert())) == ["over"]
    assert kinds(ROUTE, over(alert()), notified=notified(alert(), over=True)) == []
    assert kinds(ROUTE, over(alert())) == []


def test_the_end_is_notified_also_when_the_route_would_not_get_the_opening_now() -> None:
    assert kinds(ROUTE, over(alert(severity="info")), notified=notified(alert())) == ["over"]


@pytest.mark.parametrize(
    ("route", "wanted"),
    [
        (Route("a", "x", "error"), True),
        (Route("a", "x", owners=("till", "crm")), True),
        (Route("a", "x", owners=("crm",)), False),
        (Route("a", "x", domains=("shop",)), True),
        (Route("a", "x", domains=("shopping",)), False),
        (Route("a", "x", owners=("till",), domains=("crm",)), False),
    ],
)
def test_a_route_may_filter_alerts(route: Route, wanted: bool) -> None:
    assert (kinds(route, alert()) == ["opened"]) is wanted


def test_a_route_is_not_notified_of_its_own_failure() -> None:
    trouble = alert("notify:oncall", "warning")
    assert kinds(ROUTE, trouble) == []
    assert kinds(Route("mail", "x"), trouble) == ["opened"]


STEP = st.one_of(st.sampled_from(["info", "warning", "error", "resolve", "notify"]))


@given(st.lists(STEP, max_size=30))
def test_every_message_has_something_new(steps: list[Any]) -> None:
    """A route is notified of an opening at most once, then only of a higher severity, and of one end."""
    known: dict[Any, Notified] = {}
    received: list[Notice] = []
    current, at = None, BEGAN
    for step in [*steps, "notify"]:
        at += timedelta(minutes=1)
        if step == "resolve":
            current = current and current._replace(resolved_at=current.resolved_at or at)
        elif step != "notify":
            fresh = current is None or current.resolved_at
            current = alert(severity=step, first_seen=at) if fresh else current._replace(severity=step)
        elif current:
            for notice in due(ROUTE, [current], known, at, DAY):
                received.append(notice)
                known[opening(notice.alert)] = Notified(notice.alert.severity, at, notice.kind == "over")
    for which in {opening(notice.alert) for notice in received}:
        mine = [notice for notice in received if opening(notice.alert) == which]
        assert next(notice.kind for notice in mine) == "opened"
        assert [n.kind for n in mine].count("opened") == 1
        assert [n.kind for n in mine].count("over") <= 1
        ranks = [rank(n.alert.severity) for n in mine if n.kind != "over"]
        assert ranks == sorted(set(ranks))
