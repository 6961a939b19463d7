"""Error paths only: what goes right is tested against the real servers."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import HttpClient, reason
from headrace.systems.retry import Backoff

Handler = Callable[[httpx.Request], httpx.Response]


def _client(handler: Handler, transient: tuple[int, ...] = ()) -> HttpClient:
    return HttpClient(
        "connect", Endpoint("c", 8083, "me", "secret"), next_step="It goes on.", backoff=Backoff(tries=3),
        transient=transient, transport=httpx.MockTransport(handler), sleep=lambda s: None,
    )  # fmt: skip


def _answers(*statuses: int) -> tuple[Handler, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(statuses[min(len(seen), len(statuses)) - 1], json={"message": "busy"})

    return handler, seen


def test_a_server_error_is_tried_again_with_the_credentials() -> None:
    handler, seen = _answers(503, 500, 200)
    assert _client(handler).call("GET", "/x").status == 200
    assert len(seen) == 3
    assert seen[0].headers["authorization"].startswith("Basic ")


def test_a_server_that_stays_broken_is_unavailable() -> None:
    handler, seen = _answers(502)
    with pytest.raises(
        SystemUnavailable,
        match=r"connect at http://c:8083: GET /x answered 502: busy \(tried 3 times",
    ):
        _client(handler).call("GET", "/x")
    assert len(seen) == 3


def test_a_broken_connection_is_unavailable() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(SystemUnavailable, match=r"GET /x: connection refused .* It goes on\."):
        _client(handler).call("GET", "/x")


def test_a_timeout_without_text_is_named() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    with pytest.raises(SystemUnavailable, match="ReadTimeout"):
        _client(handler).call("GET", "/x")


def test_a_refusal_is_raised_at_once_and_never_shows_the_password() -> None:
    handler, seen = _answers(401)
    with pytest.raises(SystemRefused, match="GET /x was refused with 401: busy") as caught:
        _client(handler).call("GET", "/x")
    assert len(seen) == 1
    assert "secret" not in str(caught.value)


def test_a_rebalance_is_waited_for_only_where_409_means_that() -> None:
    handler, seen = _answers(409, 200)
    assert _client(handler, transient=(409,)).call("GET", "/x").status == 200
    assert len(seen) == 2
    handler, seen = _answers(409, 200)
    assert _client(handler).call("GET", "/x", accept={409}).status == 409


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "a\n b"}, "a b"),
        ({"error_code": 5}, "{'error_code': 5}"),
        (None, "no reason given"),
        ("x" * 700, "x" * 599 + "…"),
    ],
)
def test_the_reason_in_a_body_is_one_short_line(body: object, text: str) -> None:
    assert reason(body) == text
