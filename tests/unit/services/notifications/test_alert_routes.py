from __future__ import annotations

from typing import Any

import pytest

from headrace.services.notifications.hook import without_secrets
from headrace.services.notifications.routes import Route, read_routes


def test_routes_are_read_with_their_references_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_ALERTS_ONCALL", "slack://one/two/three")
    extra = {
        "routes": [
            {"name": "oncall", "url": "env:HEADRACE_ALERTS_ONCALL", "severity": "error"},
            {"name": "till", "url": "json://here", "owners": ["till"], "domains": ["retail"]},
        ],
        "remind_hours": 12,
    }
    found = read_routes(extra)
    assert found.routes == (
        Route("oncall", "slack://one/two/three", "error"),
        Route("till", "json://here", "info", ("till",), ("retail",)),
    )
    assert (found.problems, found.remind_s) == ((), 43_200.0)
    assert "three" not in repr(found)


def test_no_routes_is_no_problem() -> None:
    assert read_routes({}).routes == read_routes({}).problems == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("json://x", "must be an object"),
        ({"name": "On Call", "url": "json://x"}, "got 'On Call'"),
        (
            {"name": "a", "url": "json://x", "severity": "bad"},
            "`severity` must be one of info, warning, error; got 'bad'",
        ),
        ({"name": "a", "url": "nowhere"}, "has no URL"),
        ({"name": "a"}, "has no URL"),
        ({"name": "a", "url": "json://x", "owner": "till"}, "unknown key 'owner'"),
        ({"name": "a", "url": "json://x", "owners": "till"}, "must be a list of names"),
        ({"name": "a", "url": "env:HEADRACE_NOT_SET_HERE"}, "HEADRACE_NOT_SET_HERE, which is not set here"),
        ({"name": "a", "url": "env:PATH"}, "begins with HEADRACE_"),
        ({"name": "good", "url": "json://x"}, "two routes are named good"),
    ],
)
def test_an_invalid_route_is_reported_and_the_others_stay(wrong: Any, message: str) -> None:
    found = read_routes({"routes": [{"name": "good", "url": "json://good"}, wrong]})
    assert [route.url for route in found.routes] == ["json://good"]
    (problem,) = found.problems
    assert message in problem


def test_an_invalid_reminder_is_reported() -> None:
    found = read_routes({"remind_hours": 0})
    assert "`remind_hours` must be a positive number; got 0" in found.problems[0]
    assert found.remind_s == 86_400.0


def test_no_part_of_a_url_that_may_be_secret_is_shown() -> None:
    url = "https://ada:s3cret%21word@hooks.example.org/T0000001/B-secret-99?key=abcdef99"
    text = without_secrets(f"POST {url} failed: s3cret!word at hooks.example.org/T0000001, abcdef99", url)
    assert text == "POST *** failed: *** at hooks.example.org/***, ***"
