"""Steps of `up`: tried again while a fault may pass; then one sentence, never a trace."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from headrace.errors import SystemUnavailable
from headrace.systems.retry import Backoff
from include.stack import cli
from include.stack.airflow_api import AirflowApi
from include.stack.services.minio import make_buckets
from include.stack.settings import ensure_secrets, load
from include.stack.steps import StepFailed, side_by_side, take
from include.stack.supervision.health import NotHealthy

TRIES = Backoff(tries=3)
LOG = Path("/logs/minio.log")


def failing(*errors: Exception) -> Callable[[], str]:
    """A step that fails with these, one a call, then succeeds."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def run(*errors: Exception) -> str:
    return take("make the buckets", failing(*errors), log=LOG, patience=TRIES, sleep=lambda _: None)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("the database system is starting up"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        subprocess.TimeoutExpired("initdb", 120),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        OSError("When creating bucket 'warehouse': AWS Error NETWORK_CONNECTION"),
        SystemUnavailable("platform", "postgresql://x", "the connection broke"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_step_that_fails_in_passing_is_taken_again(error: Exception) -> None:
    assert run(error, error) == "done"
    with pytest.raises((StepFailed, SystemUnavailable)) as raised:
        run(error, error, error)
    assert "\n" not in str(raised.value)


def test_a_failed_step_names_itself_the_cause_the_log_and_the_next_step() -> None:
    error = OSError("AWS Error\nNETWORK_CONNECTION")
    with pytest.raises(StepFailed) as raised:
        run(error, error, error)
    assert str(raised.value) == (
        "could not make the buckets: AWS Error NETWORK_CONNECTION (tried 3 times);"
        " see /logs/minio.log, then run ./headrace up again to continue"
    )


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "no"), KeyError("x")]
)
def test_what_does_not_pass_by_itself_is_not_tried_again(error: Exception) -> None:
    with pytest.raises(StepFailed, match="could not make the buckets"):
        run(error)


def test_what_is_a_sentence_already_stays_as_it_is() -> None:
    with pytest.raises(NotHealthy, match=r"^kafka does not answer$"):
        run(NotHealthy("kafka does not answer"))


def test_the_first_error_does_not_wait_for_what_goes_on_beside_it() -> None:
    never = threading.Event()
    with pytest.raises(KeyError):
        side_by_side((never.wait, failing(KeyError("x"))))  # type: ignore[arg-type]


@pytest.fixture
def listening() -> Any:
    """`listening(handler)`: port of a server that is started on demand, by its `start`."""
    servers = []

    def make(answer: Callable[[BaseHTTPRequestHandler], None]) -> tuple[int, Callable[..., None]]:
        class Handler(BaseHTTPRequestHandler):
            def any(self) -> None:
                answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = any

            def log_message(self, *_: Any) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        server.server_bind()
        servers.append(server)

        def start(*_: Any) -> None:
            server.server_activate()
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        return server.server_address[1], start

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_buckets_are_made_although_the_store_is_not_there_at_first(tmp_path: Path, listening: Any) -> None:
    made = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.command == "PUT":
            made.append(request.path.strip("/"))
        request.send_response(200 if request.command == "PUT" else 404)
        request.send_header("Content-Length", "0")
        request.end_headers()

    port, start = listening(answer)
    environ = {"HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit", "HEADRACE_PORT_S3": str(port)}
    s = ensure_secrets(load(environ), environ)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            start()

    take("make the buckets", lambda: make_buckets(s), sleep=sleep)
    assert waits
    assert made == ["warehouse", "landing"]


def test_reads_are_retried_while_airflow_restarts_and_writes_are_not(tmp_path: Path, listening: Any) -> None:
    answers = iter(
        [(201, b'{"access_token": "t"}'), (503, b"{}"), (200, b'{"dags": [], "total_entries": 0}'), (503, b"{}")]
    )
    requests = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status, body = next(answers)
        requests.append(request.command)
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    port, start = listening(answer)
    start()
    environ = {"HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit", "HEADRACE_PORT_AIRFLOW": str(port)}
    api = AirflowApi(ensure_secrets(load(environ), environ))
    assert api.dags() == {}
    with pytest.raises(Exception, match="POST /dags/x/dagRuns returned 503"):
        api.trigger("x")
    assert requests == ["POST", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (StepFailed("could not make the buckets: [Errno 28] full"), 1, "could not make the buckets: [Errno 28] full"),
        (KeyError("pulse"), 1, "KeyError: 'pulse'; the traceback is in"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_a_command_never_ends_in_a_trace(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path))
    monkeypatch.setenv("HEADRACE_INSTANCE", "unit")
    monkeypatch.setattr(sys, "argv", ["headrace", "up"])

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("include.stack.commands.preflight.problems", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output = capsys.readouterr()
    assert ended.value.code == code
    assert "Traceback" not in output.out + output.err
    if code == 1:
        assert message in output.err
    if isinstance(error, KeyError):
        assert "Traceback" in (tmp_path / "instances" / "unit" / "logs" / "headrace.log").read_text()
