from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.services.lineage.hook import EVENTS_PER_REQUEST, LineageHook
from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff
from headrace.systems.spark.lineage import spark_lineage_conf, transport_environ
from tests.support.lineage_cases import run_event

QUICK = Backoff(tries=3, first_s=0.001, longest_s=0.002)
OK = {"status": "success", "failed_events": []}


class Server(httpx.BaseTransport):
    """Answers with what it was given, in turn; the last answer stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx.Response(status, json=body)


def hook(server: Server) -> LineageHook:
    return LineageHook(Endpoint("lineage", 5000, password="k3y"), backoff=QUICK, transport=server)


def test_events_go_in_batches_with_the_key() -> None:
    server = Server((200, OK))
    count = EVENTS_PER_REQUEST * 2 + 1
    assert hook(server).emit(run_event("job", run=str(i)) for i in range(count)) == count
    assert [len(json.loads(r.content)) for r in server.requests] == [EVENTS_PER_REQUEST] * 2 + [1]
    first = server.requests[0]
    assert str(first.url) == "http://lineage:5000/api/v1/lineage/batch"
    assert first.headers["Authorization"] == "Bearer k3y"


def test_no_events_are_no_request() -> None:
    server = Server((500, {}))
    assert hook(server).emit([]) == 0 and not server.requests


@pytest.mark.parametrize("trouble", [(503, {"error": "x"}), (429, {}), httpx.ConnectError("refused")])
def test_trouble_that_passes_is_waited_out(trouble: Any) -> None:
    server = Server(trouble, trouble, (200, OK))
    assert hook(server).emit([run_event("job")]) == 1
    assert len(server.requests) == 3


def test_trouble_that_stays_names_the_endpoint_and_what_is_next() -> None:
    server = Server(httpx.ConnectError("refused"))
    with pytest.raises(SystemUnavailable, match=r"lineage at http://lineage:5000: .*tried 3 times"):
        hook(server).emit([run_event("job")])
    assert len(server.requests) == 3


def test_a_wrong_key_is_not_tried_again() -> None:
    server = Server((401, {"error": "no or wrong API key"}))
    with pytest.raises(SystemRefused, match="401"):
        hook(server).emit([run_event("job")])
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 422])
def test_a_refused_event_is_an_error(status: int) -> None:
    failed = {"failed_events": [{"index": 0, "reason": "no run", "retriable": False}]}
    with pytest.raises(SystemRefused, match=r"1 events were refused.*no run"):
        hook(Server((status, failed))).emit([run_event("job")])


def test_a_marquez_without_batches_gets_them_one_by_one() -> None:
    server = Server((404, {}), (201, {}))
    assert hook(server).emit([run_event("a"), run_event("b")]) == 2
    assert [r.url.path for r in server.requests] == ["/api/v1/lineage/batch"] + ["/api/v1/lineage"] * 2


def test_unknown_datasets_and_paths_are_none() -> None:
    ours = hook(Server((404, {"error": "unknown"})))
    assert ours.graph("ns:a") is None and ours.path("ns:a", "ns:b") is None
    assert ours.declared_jobs() == []


def test_the_environment_of_openlineage_is_understood() -> None:
    for environ in (
        transport_environ("http://lineage:5000", "k3y"),
        {"OPENLINEAGE_URL": "http://lineage:5000/", "OPENLINEAGE_API_KEY": "k3y"},
    ):
        found = LineageHook.from_environ(environ)
        assert found and found.endpoint.url == "http://lineage:5000"
        assert found.endpoint.password == "k3y" and "k3y" not in repr(found.endpoint)
    assert LineageHook.from_environ({}) is None


def test_sparks_configuration_holds_no_address_and_no_secret() -> None:
    conf = spark_lineage_conf("retail.history")
    assert conf["spark.extraListeners"].endswith("OpenLineageSparkListener")
    assert conf["spark.openlineage.appName"] == "retail.history"
    assert not [key for key in conf if "transport" in key or "parent" in key]
