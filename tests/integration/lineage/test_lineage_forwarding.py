"""Forwarding to a Marquez that works, is down, is slow to come, or refuses one event."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lineage.conftest import RunningEndpoint, free_port, running
from tests.support.lineage_cases import dataset, run_event
from tests.support.waiting import wait_until

pytestmark = pytest.mark.stack
Rows = Callable[..., list[tuple[Any, ...]]]


class Marquez:
    """Takes events at Marquez's path and remembers them; `refuse` answers a job with a status."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.taken: list[dict[str, Any]] = []
        self.refuse: dict[str, int] = {}
        marquez = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = marquez.refuse.get(body["job"]["name"], 201)
                if self.path != "/api/v1/lineage":
                    status = 404
                if status == 201:
                    marquez.taken.append(body)
                self.send_response(status)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"why")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def jobs(self, space: str) -> list[str]:
        return [e["job"]["name"] for e in self.taken if e["job"]["namespace"] == space]


@contextmanager
def marquez(port: int) -> Iterator[Marquez]:
    server = Marquez(port)
    thread = threading.Thread(target=server.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        server.server.server_close()
        thread.join()


def send(endpoint: RunningEndpoint, space: str, count: int) -> list[str]:
    names = [f"job-{number:03}" for number in range(count)]
    for name in names:
        event = run_event(name, namespace=space, inputs=[dataset(space, "a")])
        assert endpoint.post(event).status_code == 201
    return names


def test_every_event_arrives_as_it_was_and_in_order(dsn: str, tmp_path: Path, space: str, rows: Rows) -> None:
    port = free_port()
    with (
        marquez(port) as target,
        running(tmp_path, dsn, HEADRACE_MARQUEZ_URL=target.url) as endpoint,
    ):
        names = send(endpoint, space, 30)
        wait_until(lambda: len(target.jobs(space)) == 30)
        assert target.jobs(space) == names
        event = run_event(names[0], namespace=space, inputs=[dataset(space, "a")])
        assert endpoint.post(event).status_code == 200  # known already: not forwarded again
        assert next(e for e in target.taken if e["job"]["namespace"] == space) == event
        wait_until(lambda: rows("SELECT count(*) FROM lineage.outbox") == [(0,)])
        assert len(target.jobs(space)) == 30


def test_nothing_is_lost_while_marquez_is_down_and_the_endpoint_is_killed(
    dsn: str, tmp_path: Path, space: str, rows: Rows
) -> None:
    port = free_port()
    environ = {"HEADRACE_MARQUEZ_URL": f"http://127.0.0.1:{port}", "HEADRACE_LINEAGE_OUTBOX": "5"}
    with running(tmp_path, dsn, **environ) as endpoint:
        names = send(endpoint, space, 40)
        wait_until(lambda: rows("SELECT count(*) FROM lineage.outbox WHERE last_error IS NOT NULL") != [(0,)])
        assert rows("SELECT count(*) <= 5 FROM lineage.outbox") == [(True,)]
        endpoint.process.kill()
    with marquez(port) as target, running(tmp_path, dsn, **environ):
        wait_until(lambda: sorted(set(target.jobs(space))) == names, seconds=150)


def test_an_event_that_marquez_refuses_is_set_aside_and_the_others_pass(
    dsn: str, tmp_path: Path, space: str, rows: Rows
) -> None:
    port = free_port()
    with marquez(port) as target:
        target.refuse["job-001"] = 422
        with running(tmp_path, dsn, MARQUEZ_URL=target.url) as endpoint:
            send(endpoint, space, 4)
            wait_until(lambda: target.jobs(space) == ["job-000", "job-002", "job-003"])
            refused = """SELECT j.name, r.reason FROM lineage.refused r
                JOIN lineage.events e ON e.id = r.event_id JOIN lineage.jobs j ON j.id = e.job_id
                WHERE j.namespace = %s"""
            assert wait_until(lambda: rows(refused, space)) == [("job-001", "422: why")]


def test_an_event_that_marquez_cannot_digest_now_is_tried_again(dsn: str, tmp_path: Path, space: str) -> None:
    with marquez(free_port()) as target:
        target.refuse["job-000"] = 500
        with running(tmp_path, dsn, MARQUEZ_URL=target.url) as endpoint:
            send(endpoint, space, 3)
            wait_until(lambda: target.jobs(space) == ["job-001", "job-002"])
            target.refuse.clear()
            wait_until(lambda: target.jobs(space) == ["job-001", "job-002", "job-000"])
