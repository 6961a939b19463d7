"""Watchdog that restarts hung and failed processes: `python -m include.stack.supervision.watchdog`.

Each process has its own health check (`Service.answers`). A process that has not answered for HEADRACE_HANG_S is killed,
and the supervisor restarts it. A process in the supervisor's FATAL state is started again once a minute. Both cases raise
an alert `process:<name>` and a line in `./headrace status`, until the process has answered for HEADRACE_HANG_S.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from headrace.systems.platform.hook import PlatformHook
from headrace.systems.retry import Backoff
from include.stack import settings
from include.stack.endpoints import endpoint
from include.stack.services.catalogue import services
from include.stack.settings import Settings
from include.stack.supervision.health import UP_WITHIN_S
from include.stack.supervision.process_alerts import ProcessAlerts, alerts_file
from include.stack.supervision.silence import Silence
from include.stack.supervision.supervisor import State, Supervisor, SupervisorError

GIVEN_UP: Final = "FATAL"
"""Supervisor state of a process that it no longer restarts."""
STOPPED: Final = ("STOPPED", "STOPPING")
"""Supervisor states of a process that was stopped on request."""
AGAIN_S: Final = 60.0
"""Seconds between two starts of a process in the FATAL state."""
LONGEST_PAUSE_S: Final = 10.0
"""Maximum seconds between two rounds of health checks."""


class Watchdog:
    """Health checker of one instance's processes, in rounds."""

    def __init__(
        self, s: Settings, hang_s: float, names: Collection[str] = (), platform: PlatformHook | None = None
    ) -> None:
        """Watch the services in `names`; by default all that have a health check."""
        known = [service for service in services(s) if not names or service.name in names]
        self._checks = {service.name: service.answers for service in known if service.answers}
        self._needs = {service.name: service.needs for service in known}
        self._hang_s = hang_s
        self._supervisor = Supervisor(s)
        self._silences: dict[str, Silence] = {}
        self._started: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        platform = platform or PlatformHook(endpoint(s, "platform_default"), backoff=Backoff(tries=1))
        self._alerts = ProcessAlerts(alerts_file(s), platform)

    def poll(self) -> None:
        """Check every process once; kill, restart and raise alerts as needed."""
        states = {state.name: state for state in self._supervisor.states()}
        silent: set[str] = set()
        for name in self._checks:
            state = states.get(name)
            if state is None or state.state != "RUNNING":
                silent.add(name)
            else:
                self._check(state, silent)
            if state and state.state == GIVEN_UP:
                self._start_again(state)
            elif state and state.state not in STOPPED:
                self._lasting(name, silent)
        self._alerts.pass_on()

    def _check(self, state: State, silent: set[str]) -> None:
        """Check a process, add it to `silent` if it does not answer, and kill it if it is hung."""
        name, known = state.name, self._silences.get(state.name)
        if known is None or known.pid != state.pid:
            known = Silence(state.pid, time.monotonic())
        if silent.intersection(self._needs[name]):
            self._silences[name] = known.excused(time.monotonic())
            silent.add(name)
            return
        answers = self._checks[name]()
        known = self._silences[name] = known.after(answers=answers, now=time.monotonic())
        if answers:
            self._alerts.well(name, self._hang_s)
            return
        silent.add(name)
        self._alerts.silent(name)
        if known.hung(time.monotonic(), self._hang_s, UP_WITHIN_S):
            seconds = time.monotonic() - known.since
            self._alerts.raise_alert(name, f"{name} did not answer for {seconds:.0f} s: killed and restarted")
            kill(state.pid)

    def _lasting(self, name: str, silent: set[str]) -> None:
        """Raise an alert for a process that does not answer for long, regardless of its restarts."""
        now = time.monotonic()
        if name not in silent or silent.intersection(self._needs[name]):
            self._answered[name] = now
        elif now - self._answered.setdefault(name, now) > UP_WITHIN_S + 2 * self._hang_s:
            self._alerts.raise_alert(
                name, f"{name} has not answered for {now - self._answered[name]:.0f} s: see its log"
            )

    def _start_again(self, state: State) -> None:
        name, now = state.name, time.monotonic()
        if now - self._started.get(name, -AGAIN_S) < AGAIN_S:
            return
        self._started[name] = now
        why = f" ({state.why})" if state.why else ""
        self._alerts.raise_alert(
            name, f"{name} exited soon after each start{why}: see its log; it is restarted once a minute"
        )
        with suppress(SupervisorError, OSError):
            self._supervisor.start(name)


def kill(pid: int) -> None:
    """Kill a process and the other processes of its group, in any state."""
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Watch until the supervisor stops this process. An error also ends it, and the supervisor restarts it."""
    s = settings.kept(settings.load())
    hang_s = float(s["HEADRACE_HANG_S"])
    watchdog = Watchdog(s, hang_s)
    while True:
        watchdog.poll()
        sys.stdout.flush()
        time.sleep(min(LONGEST_PAUSE_S, hang_s / 6))


if __name__ == "__main__":
    main()
