"""The watchdog over a real supervisor: what hangs is killed and started again, what was given up is tried again."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff
from include.stack.settings import Settings, ensure_secrets, load
from include.stack.sockets import socket_path
from include.stack.supervision import silence, watchdog
from include.stack.supervision.process_alerts import read_alerts
from include.stack.supervision.supervisor import Supervisor
from include.stack.supervision.watchdog import Watchdog

ROOT = Path(__file__).parents[3]
SERVER = """
import http.server, pathlib, sys
broken = pathlib.Path(sys.argv[2])
if broken.exists():
    sys.exit("it is broken")
class Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Well).serve_forever()
"""
SUPERVISOR = """
[supervisord]
logfile={run}/supervisord.log
pidfile={run}/supervisord.pid
[unix_http_server]
file={socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:lineage]
command={python} {run}/server.py {port} {run}/broken
autostart=false
autorestart=true
startsecs=1
startretries=0
stdout_logfile={run}/lineage.log
redirect_stderr=true
"""


@pytest.fixture
def s(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environ = {"HEADRACE_ROOT": str(ROOT), "HEADRACE_STATE": str(tmp_path), "HEADRACE_INSTANCE": "unit"}
    return ensure_secrets(load(environ | {"HEADRACE_PORT_LINEAGE": port}), environ)


@pytest.fixture
def supervisor(s: Settings) -> Iterator[Supervisor]:
    s.run.mkdir(parents=True, exist_ok=True)
    s.logs.mkdir(parents=True, exist_ok=True)
    (s.run / "server.py").write_text(SERVER)
    places = {"run": s.run, "socket": socket_path(s), "python": sys.executable, "port": s.port("LINEAGE")}
    (s.run / "supervisord.conf").write_text(SUPERVISOR.format(**places))
    found = Supervisor(s)
    found.ensure_up()
    yield found
    for state in found.states():
        if state.pid:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(state.pid, signal.SIGCONT)
    found.shut_down()


@pytest.fixture
def run_until(s: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """`run_until(condition)`: polls by a watchdog until the condition holds. The platform's database does not answer."""
    monkeypatch.setattr(watchdog, "AGAIN_S", 0.5)
    monkeypatch.setattr(silence, "LEAST_CHECKS", 1)  # each check takes five seconds
    platform = PlatformHook(Endpoint(host="127.0.0.1", port=1, database="none"), backoff=Backoff(tries=1))
    dog = Watchdog(s, 1.0, ["lineage"], platform)

    def run(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 100
        while not condition():
            assert time.monotonic() < deadline
            dog.poll()
            time.sleep(0.1)

    return run


def test_a_hung_process_is_killed_and_restarted_and_raises_an_alert(
    s: Settings, supervisor: Supervisor, run_until: Callable[[Callable[[], bool]], None]
) -> None:
    supervisor.start("lineage")
    polls = iter(range(20))
    run_until(lambda: next(polls, 99) > 10 and supervisor.states()[0].state == "RUNNING")
    (before,) = supervisor.states()
    assert read_alerts(s) == {}, "one that answers is left alone"
    os.kill(before.pid, signal.SIGSTOP)
    run_until(lambda: supervisor.states()[0].pid not in (0, before.pid))
    assert read_alerts(s)["lineage"].startswith("lineage did not answer for")
    run_until(lambda: not read_alerts(s))
    assert supervisor.states()[0].state == "RUNNING"


def test_a_process_that_the_supervisor_gave_up_is_restarted_and_raises_an_alert(
    s: Settings, supervisor: Supervisor, run_until: Callable[[Callable[[], bool]], None]
) -> None:
    (s.run / "broken").touch()
    supervisor.start("lineage")
    run_until(lambda: bool(read_alerts(s)))
    assert supervisor.states()[0].state in ("FATAL", "BACKOFF", "STARTING")
    assert "exited soon after each start" in read_alerts(s)["lineage"]
    (s.run / "broken").unlink()
    run_until(lambda: not read_alerts(s))
    assert supervisor.states()[0].state == "RUNNING"


def test_a_process_that_ends_repeatedly_raises_an_alert_and_a_stopped_one_does_not(
    s: Settings,
    supervisor: Supervisor,
    run_until: Callable[[Callable[[], bool]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "UP_WITHIN_S", 1.0)
    polls = iter(range(99))
    run_until(lambda: next(polls) > 50)
    assert read_alerts(s) == {}
    (s.run / "server.py").write_text("import time; time.sleep(1.5)")
    supervisor.start("lineage")
    run_until(lambda: bool(read_alerts(s)))
    assert read_alerts(s)["lineage"].startswith("lineage has not answered for")
