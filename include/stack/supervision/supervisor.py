"""Client of the supervisor (supervisord) over its unix socket: start it, control processes, stop it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from headrace.systems import supervisord
from headrace.systems.text import one_line
from include.stack.settings import Settings
from include.stack.sockets import socket_path


class SupervisorError(Exception):
    """A call to the supervisor failed; the message names the process and the log."""


@dataclass(frozen=True, slots=True)
class State:
    """State of one process as reported by the supervisor."""

    name: str
    state: str
    pid: int
    since_s: int
    why: str


class Supervisor:
    """Supervisor of one instance."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._socket = socket_path(settings)

    def is_up(self) -> bool:
        try:
            self._call("supervisor.getState")
        except (OSError, HTTPException, xmlrpc.client.Error):
            return False
        return True

    def ensure_up(self) -> None:
        """Start supervisord, or reload the configuration of a running one. Raises SupervisorError."""
        if self.is_up():
            self._reload()
            return
        configuration = self._settings.run / "supervisord.conf"
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self._settings.root,
            env=self._environ(),
        )
        if done.returncode:
            raise SupervisorError(f"the supervisor did not start: {one_line(done.stdout + done.stderr)}")
        deadline = time.monotonic() + 20
        while not self.is_up():
            if time.monotonic() > deadline:
                raise SupervisorError(f"the supervisor did not start; see {self._settings.logs / 'supervisord.log'}")
            time.sleep(0.1)

    def start(self, name: str) -> None:
        """Start a process; do nothing if it already runs. Raises SupervisorError."""
        try:
            self._call("supervisor.startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise SupervisorError(f"{name}: {fault.faultString}; see {self._settings.logs / name}.log") from fault

    def states(self) -> tuple[State, ...]:
        if not self.is_up():
            return ()
        now = int(time.time())
        rows: list[dict[str, Any]] = self._call("supervisor.getAllProcessInfo")
        return tuple(
            State(r["name"], r["statename"], r["pid"], max(0, now - r["start"]) if r["pid"] else 0, r["spawnerr"])
            for r in rows
        )

    def shut_down(self) -> None:
        """Stop every process and the supervisor, and wait until it has exited. Raises SupervisorError."""
        if not self.is_up():
            return
        pid = self._call("supervisor.getPID")
        self._call("supervisor.shutdown")
        deadline = time.monotonic() + 90
        while _alive(pid):
            if time.monotonic() > deadline:
                raise SupervisorError(f"the supervisor (process {pid}) has not stopped after 90 s")
            time.sleep(0.1)

    def _reload(self) -> None:
        added, changed, removed = self._call("supervisor.reloadConfig")[0]
        for name in (*changed, *removed):
            self._call("supervisor.stopProcessGroup", name)
            self._call("supervisor.removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("supervisor.addProcessGroup", name)

    def _call(self, method: str, *arguments: object) -> Any:
        return supervisord.call(f"unix://{self._socket}", method, *arguments)

    def _environ(self) -> dict[str, str]:
        ours = {"HEADRACE_ROOT": str(self._settings.root), "HEADRACE_STATE": str(self._settings.state)}
        return os.environ | ours | {"HEADRACE_INSTANCE": self._settings.home.name}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
