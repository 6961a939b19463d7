"""The endpoint by HTTP: who may, what is refused, what is stored."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.lineage.conftest import KEY, ROOT, RunningEndpoint, free_port, running
from tests.support.lineage_cases import dataset, made_from, run_event

pytestmark = pytest.mark.stack
Rows = Callable[..., list[tuple[Any, ...]]]


def moves(space: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """An event that moves a table."""
    given = {
        "inputs": [dataset(space, "a")],
        "outputs": [dataset(space, "b", columnLineage=made_from(x=[(space, "a", "x")]))],
        "namespace": space,
        "run": str(number),
        **changes,
    }
    return run_event("move", **given)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": f"Basic {KEY}"},
        {"X-Api-Key": KEY},
    ],
)
def test_nobody_enters_without_the_key(
    endpoint: RunningEndpoint, space: str, headers: dict[str, str], rows: Rows
) -> None:
    for method, path in (
        ("POST", "/api/v1/lineage"),
        ("POST", "/api/v1/lineage/batch"),
        ("GET", "/api/v1/lineage/graph?dataset=a:b"),
        ("GET", "/api/v1/lineage/path?from=a:b&to=a:b"),
        ("GET", "/api/v1/jobs"),
        ("GET", "/anything"),
    ):
        answer = httpx.request(method, endpoint.url + path, headers=headers, json=moves(space))
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert not rows("SELECT 1 FROM lineage.jobs WHERE namespace = %s", space)
    assert httpx.get(endpoint.url + "/healthz").status_code == 200


def test_an_event_is_stored_once_however_often_it_comes(endpoint: RunningEndpoint, space: str, rows: Rows) -> None:
    event = moves(space)
    assert [endpoint.post(event).status_code for _ in range(3)] == [201, 200, 200]
    assert endpoint.post(event, event).json()["summary"]["stored"] == 0
    count = "SELECT count(*) FROM lineage.events e JOIN lineage.jobs j ON j.id = e.job_id WHERE j.namespace = %s"
    assert rows(count, space) == [(1,)]
    ((payload,),) = rows(count.replace("count(*)", "payload"), space)
    assert payload == event


def test_writers_beside_each_other_lose_and_double_nothing(endpoint: RunningEndpoint, space: str, rows: Rows) -> None:
    """Every writer sends the same events in another order: hot rows, and every event four times."""
    events = [moves(space, n, inputs=[dataset(space, f"a{n % 7}")]) for n in range(60)]
    orders = [events, events[::-1], events[1::2] + events[::2], events[30:] + events[:30]]
    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(lambda order: [endpoint.post(e).status_code for e in order], orders):
            assert set(answers) <= {200, 201}
    stored = "SELECT count(*) FROM lineage.events e JOIN lineage.jobs j ON j.id = e.job_id WHERE j.namespace = %s"
    assert rows(stored, space) == [(60,)]


def test_batches_about_the_same_datasets_do_not_block_each_other_for_good(
    endpoint: RunningEndpoint, space: str
) -> None:
    """Every writer touches the same datasets, in another order: rows locked so would deadlock."""
    shared = [dataset(space, f"d{number:02}") for number in range(60)]

    def batch(turn: int, writer: int) -> list[dict[str, Any]]:
        order = shared[writer * 15 :] + shared[: writer * 15]
        order = order[::-1] if writer % 2 else order
        job = f"{turn}-{writer}"  # one job each, or its row would keep them apart
        return [
            run_event(job, namespace=space, run=str(i), inputs=[d], outputs=[shared[0]]) for i, d in enumerate(order)
        ]

    with ThreadPoolExecutor(4) as pool:
        for turn in range(8):
            events = [batch(turn, writer) for writer in range(4)]
            answers = list(pool.map(lambda batch: endpoint.post(*batch), events))
            assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not JSON"),
        (b"", 400, "not JSON"),
        (b'{"a": NaN}', 400, "not JSON"),
        (b'{"a": "\xff"}', 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 422, "an event must be a JSON object"),
        (b"{}", 422, "got none of them"),
        (b'{"run": {"runId": "1"}, "job": {}}', 422, r"\$"),
    ],
)
def test_bad_bodies_get_one_clear_sentence(endpoint: RunningEndpoint, body: bytes, status: int, message: str) -> None:
    answer = endpoint.client.post("/api/v1/lineage", content=body)
    assert answer.status_code == status and message.replace("\\", "") in answer.json()["error"]


def test_a_batch_keeps_what_is_valid_and_names_the_rest(endpoint: RunningEndpoint, space: str) -> None:
    answer = endpoint.post(moves(space, 1), {"run": 1}, moves(space, 2), {})
    body = answer.json()
    assert answer.status_code == 200 and body["status"] == "partial_success"
    assert body["summary"]["successful"] == body["summary"]["stored"] == 2
    assert [f["index"] for f in body["failed_events"]] == [1, 3]
    assert endpoint.post({}, {}).status_code == 422
    assert endpoint.client.post("/api/v1/lineage/batch", json={}).status_code == 422


def test_compressed_bodies_are_read_within_the_limit(dsn: str, tmp_path: Path, space: str) -> None:
    packed = {"Content-Encoding": "gzip"}
    with running(tmp_path, dsn, HEADRACE_LINEAGE_MAX_BODY="20000") as small:
        path = "/api/v1/lineage"
        body = json.dumps(moves(space)).encode()
        assert small.client.post(path, content=gzip.compress(body), headers=packed).status_code == 201
        for content, headers, status in (
            (b" " * 20001, {}, 413),
            (iter([b" " * 15000, b" " * 15000]), {}, 413),  # chunked: no announced length
            (gzip.compress(b" " * 5_000_000), packed, 413),
            (b"no gzip", packed, 400),
            (gzip.compress(body)[:-20], packed, 400),
            (body, {"Content-Encoding": "br"}, 415),
        ):
            assert small.client.post(path, content=content, headers=headers).status_code == status


def test_text_that_postgresql_cannot_hold_is_made_holdable(endpoint: RunningEndpoint, space: str, rows: Rows) -> None:
    event = moves(space, errorMessage={"message": "a\0b \\u0000 ünï"})
    assert endpoint.post(event).status_code == 201
    query = """SELECT payload #>> '{run,facets,errorMessage,message}' FROM lineage.events e
               JOIN lineage.jobs j ON j.id = e.job_id WHERE j.namespace = %s"""
    assert rows(query, space) == [("a\ufffdb \\u0000 ünï",)]


def test_openlineages_own_client_is_understood(endpoint: RunningEndpoint, space: str, rows: Rows) -> None:
    from openlineage.client import OpenLineageClient, event_v2
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    config = HttpConfig(url=endpoint.url, auth=ApiKeyTokenProvider({"apiKey": KEY}), compression="gzip")
    client = OpenLineageClient(transport=HttpTransport(config))
    event = moves(space)
    client.emit(
        event_v2.RunEvent(
            eventType=event_v2.RunState.COMPLETE,
            eventTime=event["eventTime"],
            producer="urn:tests",
            run=event_v2.Run(event["run"]["runId"]),
            job=event_v2.Job(space, "move"),
            inputs=[event_v2.InputDataset(space, "a")],
            outputs=[event_v2.OutputDataset(space, "b")],
        )
    )
    client.close()
    assert rows("SELECT name FROM lineage.jobs WHERE namespace = %s", space) == [("move",)]


def test_an_unreachable_database_is_reported_and_waited_for(tmp_path: Path, space: str) -> None:
    dsn = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with running(tmp_path, dsn, wait=False) as lonely:
        answer = None
        for _ in range(100):
            try:
                answer = lonely.post(moves(space))
                break
            except httpx.TransportError:
                import time

                time.sleep(0.1)
        assert answer is not None and answer.status_code == 503
        assert "does not answer; nothing was stored" in answer.json()["error"]
        assert answer.headers["Retry-After"] and lonely.client.get("/healthz").status_code == 503


@pytest.mark.parametrize("missing", ["HEADRACE_LINEAGE_KEY", "HEADRACE_PLATFORM_DSN"])
def test_it_does_not_start_without_its_settings(missing: str) -> None:
    settings = {
        "HEADRACE_LINEAGE_KEY": KEY,
        "HEADRACE_PLATFORM_DSN": "postgresql:///x",
        missing: "",
    }
    path = ":".join([*sys.path, str(ROOT), str(ROOT / "plugins")])
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "include.apps.lineage.app:app", "--port", str(free_port())],
        cwd=ROOT, env={"PYTHONPATH": path, **settings}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and f"{missing} is not set" in done.stderr
