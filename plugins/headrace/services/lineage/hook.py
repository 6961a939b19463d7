"""Hook for an OpenLineage endpoint: the platform's own, or any with Marquez's paths. Works without Airflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import Answer, HttpClient
from headrace.systems.retry import Backoff

if TYPE_CHECKING:
    import httpx

DEFAULT_CONNECTION: Final = "lineage_default"
LINEAGE_PATH: Final = "/api/v1/lineage"
EVENTS_PER_REQUEST: Final = 100
BYTES_PER_REQUEST: Final = 2_000_000
NO_BATCH: Final = (404, 405)
"""Status codes of a Marquez without the batch path."""
NEXT_STEP: Final = (
    "No other task depends on lineage; it is emitted again with the next plan. "
    "Check that the lineage endpoint is up and that lineage_default points to it."
)


class LineageHook:
    """Client of an OpenLineage endpoint.

    The endpoint's password is the API key; it is sent as `Authorization: Bearer`. `transport`
    replaces the network in tests of error paths.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 10.0,
        backoff: Backoff | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._http = HttpClient(
            "lineage",
            Endpoint(endpoint.host, endpoint.port, scheme=endpoint.scheme),
            next_step=NEXT_STEP,
            timeout_s=timeout_s,
            backoff=backoff,
            transient=(429,),
            transport=_with_key(endpoint.password, transport),
        )

    @classmethod
    def from_connection(cls, conn_id: str = DEFAULT_CONNECTION, **kwargs: Any) -> LineageHook:
        """Return the hook of an Airflow connection of type http; its password is the API key."""
        return cls(Endpoint.from_connection(conn_id), **kwargs)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ, **kwargs: Any) -> LineageHook | None:
        """Return the hook of the endpoint that OpenLineage's own clients use; None when none is configured.

        Reads OPENLINEAGE__TRANSPORT__URL and OPENLINEAGE__TRANSPORT__AUTH__API_KEY, else
        OPENLINEAGE_URL and OPENLINEAGE_API_KEY.
        """
        url = environ.get("OPENLINEAGE__TRANSPORT__URL") or environ.get("OPENLINEAGE_URL")
        if not url:
            return None
        key = environ.get("OPENLINEAGE__TRANSPORT__AUTH__API_KEY") or environ.get("OPENLINEAGE_API_KEY")
        return cls(Endpoint(url.rstrip("/"), password=key), **kwargs)

    def emit(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Send the events in order; return how many. Sending an event twice is harmless.

        Raises:
            SystemUnavailable: the endpoint did not answer at any try.
            SystemRefused: the endpoint refuses the key or an event; events before it are stored.
        """
        sent = 0
        for batch in _batches(events):
            answer = self._http.call("POST", f"{LINEAGE_PATH}/batch", body=batch, accept=(*NO_BATCH, 422))
            if answer.status in NO_BATCH:
                for event in batch:
                    self._http.call("POST", LINEAGE_PATH, body=event)
            else:
                self._check(answer)
            sent += len(batch)
        return sent

    def graph(
        self, dataset: str, direction: str = "down", *, depth: int = 10, column: str = ""
    ) -> dict[str, Any] | None:
        """Return the graph upstream or downstream of `namespace:name`; None when the endpoint does not have it."""
        params = {"dataset": dataset, "direction": direction, "depth": str(depth)}
        return self._get(f"{LINEAGE_PATH}/graph", {**params, **({"column": column} if column else {})})

    def path(self, start: str, end: str, *, columns: tuple[str, str] | None = None) -> list[dict[str, Any]] | None:
        """Return the edges from one dataset (or column) to another; None when there is no path."""
        params = {"from": start, "to": end}
        if columns:
            params |= {"from_column": columns[0], "to_column": columns[1]}
        found = self._get(f"{LINEAGE_PATH}/path", params)
        return found["edges"] if found else None

    def declared_jobs(self) -> list[tuple[str, str]]:
        """Return (namespace, name) of the jobs that a plan has declared; () from a plain Marquez."""
        found = self._get("/api/v1/jobs", {"declared": "true"}) or {}
        return [(job["namespace"], job["name"]) for job in found.get("jobs", ()) if job.get("declared")]

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        answer = self._http.call("GET", path, params=params, accept=(404,))
        return None if answer.status == 404 else answer.body

    def _check(self, answer: Answer) -> None:
        if answer.status < 400 and not (answer.body or {}).get("failed_events"):
            return
        failed = (answer.body or {}).get("failed_events") or [answer.body]
        message = f"{len(failed)} events were refused; the first: {failed[0]}"
        raise SystemRefused("lineage", self._http.address, message)


def _with_key(key: str | None, transport: httpx.BaseTransport | None) -> httpx.BaseTransport | None:
    """Return a transport that sends the API key with every request."""
    if not key:
        return transport
    import httpx

    class Keyed(httpx.BaseTransport):
        inner = transport or httpx.HTTPTransport()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.headers["Authorization"] = f"Bearer {key}"
            return self.inner.handle_request(request)

        def close(self) -> None:
            self.inner.close()

    return Keyed()


def _batches(events: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the events in batches of bounded number and size; a single event may be larger."""
    batch: list[Mapping[str, Any]] = []
    size = 0
    for event in events:
        length = len(json.dumps(event))
        if batch and (len(batch) == EVENTS_PER_REQUEST or size + length > BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch
