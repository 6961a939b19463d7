"""A page of a stranger in the browser of whoever is logged in to Airflow asks every surface; nothing comes of it.

A browser lets any page send simple requests and forms to loopback; only the answer is kept from it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from playwright.sync_api import Page

from headrace.services.landing.hook import LandingHook
from tests.conftest import Stack
from tests.integration.security.surfaces import QUESTIONS, port
from tests.support.airflow_pages import Pages

SENT: dict[tuple[str, str], str] = {
    ("REGISTRY", "/apis/ccompat/v7/subjects/stranger/versions"): json.dumps({"schema": '"string"'}),
    ("LINEAGE", "/api/v1/lineage"): json.dumps(
        {
            "eventType": "COMPLETE", "eventTime": "2030-01-01T00:00:00Z", "producer": "https://elsewhere.example",
            "run": {"runId": "01890000-0000-7000-8000-000000000000"},
            "job": {"namespace": "stranger", "name": "stranger"}, "inputs": [], "outputs": [],
        }
    ),
    ("AIRFLOW", "/api/v2/dags/apply_contracts/dagRuns"): json.dumps({"logical_date": None, "conf": {"stranger": 1}}),
}  # fmt: skip
FETCH_SCRIPT = """async (requests) => {
    const read = [];
    for (const [method, url, body] of requests) {
        for (const mode of ["no-cors", "cors"]) {
            const options = {method, mode, credentials: "include", headers: {"Content-Type": "text/plain"}};
            if (method !== "GET") options.body = body;
            try {
                const answer = await fetch(url, {...options, signal: AbortSignal.timeout(5000)});
                if (answer.type !== "opaque") read.push([url, answer.status, await answer.text()]);
            } catch (refused) {}
        }
        if (method === "POST") {
            const form = document.createElement("form"), frame = document.createElement("iframe");
            frame.name = "f" + Math.random(); document.body.append(frame, form);
            form.method = "POST"; form.enctype = "text/plain"; form.action = url; form.target = frame.name;
            const field = document.createElement("input"); field.name = body; form.append(field);
            await new Promise((done) => { frame.onload = done; form.submit(); setTimeout(done, 2000); });
        }
    }
    return read;
}"""


class Site(NamedTuple):
    """A server of ours: its port, and the requests that it received, by method."""

    port: int
    received: Counter[str]


@contextmanager
def site() -> Iterator[Site]:
    """It serves an empty page, to GET as to POST."""
    received = Counter[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received[self.command] += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Site(server.server_port, received)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("elsewhere.localhost", marks=pytest.mark.long)])
def test_a_page_of_another_origin_has_no_effect(stack: Stack, pages: Pages, host: str) -> None:
    """Also not of one on the same host, to which the browser sends Airflow's cookie: a cookie knows no ports."""
    before = _traces(stack)
    with site() as stranger, site() as witness, pages.beside() as page:
        assert _known(page, stack)
        page.goto(f"http://{host}:{stranger.port}/")
        requests = [[q.method, _url(stack, q.surface, q.path), SENT.get((q.surface, q.path), "{}")] for q in QUESTIONS]
        requests.append(["POST", _url(stack, "CLICKHOUSE", "/"), "SYSTEM STOP LISTEN HTTP"])
        requests += [[method, f"http://{stack.settings.bind}:{witness.port}/", "{}"] for method in ("GET", "POST")]
        read = page.evaluate(FETCH_SCRIPT, requests)
    # What a server of ours receives, those of the stack have received too: both modes, and the form.
    assert witness.received == {"GET": 2, "POST": 3}
    assert read == []
    assert _traces(stack) == before
    assert httpx.get(_url(stack, "CLICKHOUSE", "/ping"), timeout=10).text == "Ok.\n"


def _known(page: Page, stack: Stack) -> bool:
    """Whether Airflow knows who looks at the page: else the test would prove nothing."""
    page.goto(_url(stack, "AIRFLOW", "/"))
    page.get_by_role("link", name="Dags", exact=True).wait_for()
    return any(cookie["name"] == "_token" for cookie in page.context.cookies())


def _traces(stack: Stack) -> dict[str, Any]:
    """What would be there of a question that was answered."""
    files = LandingHook(stack.endpoint("landing_default"))
    with psycopg.connect(stack.platform_dsn) as connection:
        jobs = connection.execute("SELECT count(*) FROM lineage.jobs WHERE namespace = 'stranger'").fetchall()
    return {
        "runs": [run["conf"] for run in stack.airflow.runs("apply_contracts") if "stranger" in (run["conf"] or {})],
        "subjects": [each for each in stack.systems.registry.subjects() if each == "stranger"],
        "files": [each for each in files.files.ls("landing", refresh=True) if "stranger" in str(each)],
        "lineage": jobs,
        "connectors": sorted(stack.systems.connect.names()),
    }


def _url(stack: Stack, surface: str, path: str) -> str:
    return f"http://{stack.settings.bind}:{port(stack, surface)}{path}"
