"""HTTP client for JSON APIs with time-outs, retries and Headrace's errors. The registry and Connect hooks use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff, Transient, persist
from headrace.systems.text import one_line

if TYPE_CHECKING:
    import httpx

SERVER_ERRORS: Final = range(500, 600)


class Answer(NamedTuple):
    """Status and decoded body of a response (None if empty, text if not JSON)."""

    status: int
    body: Any


class HttpClient:
    """Client of one system's HTTP API. `transport` replaces the network in tests of error paths."""

    def __init__(
        self,
        system: str,
        endpoint: Endpoint,
        *,
        path: str = "",
        next_step: str,
        timeout_s: float = 15.0,
        backoff: Backoff | None = None,
        transient: Collection[int] = (),
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system = system
        self.endpoint = endpoint
        self.address = f"{endpoint.url}{path}"
        self._next_step = next_step
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff()
        self._transient = frozenset(transient)
        self._transport = transport
        self._sleep = sleep

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        return httpx.Client(
            base_url=self.address,
            auth=basic_auth(self.endpoint),
            timeout=httpx.Timeout(self._timeout_s, connect=3.0),
            transport=self._transport,
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send a request that may safely be sent twice, with retries; return the answer.

        `accept` lists the statuses from 400 on that the caller handles.

        Raises:
            SystemUnavailable: every try ended without a connection, in a time-out, or with 5xx.
            SystemRefused: any other status from 400 on.
        """

        def once() -> Answer:
            answer = self._send(method, path, body, params)
            if answer.status in accept:
                return answer
            if answer.status in SERVER_ERRORS or answer.status in self._transient:
                raise Transient(f"{method} {path} answered {answer.status}: {reason(answer.body)}")
            return answer

        answer = persist(
            once,
            system=self.system,
            address=self.address,
            next_step=self._next_step,
            backoff=self._backoff,
            sleep=self._sleep,
        )
        if answer.status >= 400 and answer.status not in accept:
            raise self.refused(method, path, answer)
        return answer

    def refused(self, method: str, path: str, answer: Answer, next_step: str = "") -> SystemRefused:
        """Return the error for an answer with an error status."""
        message = f"{method} {path} was refused with {answer.status}: {reason(answer.body)}"
        return SystemRefused(self.system, self.address, f"{message} {next_step}".rstrip())

    def _send(self, method: str, path: str, body: Any, params: Mapping[str, str] | None) -> Answer:
        import httpx

        try:
            response = self._client.request(method, path, json=body, params=params)
        except httpx.TransportError as error:
            raise Transient(f"{method} {path}: {str(error) or type(error).__name__}") from error
        return Answer(response.status_code, decoded(response))


def basic_auth(endpoint: Endpoint) -> tuple[str, str] | None:
    """Return login and password as httpx expects them; None without a login."""
    return (endpoint.login, endpoint.password or "") if endpoint.login else None


def decoded(response: httpx.Response) -> Any:
    """Return the decoded JSON body; None if it is empty, the text if it is not JSON."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        return response.text


def reason(body: Any) -> str:
    """Return the message of an error body, on one line of at most 600 characters."""
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or body.get("title") or body
    return one_line(body if body is not None else "no reason given")
