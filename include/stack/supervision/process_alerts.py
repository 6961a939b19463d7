"""Alerts about processes, stored in a file for `./headrace status` and, once it answers, in the platform's database."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from headrace.errors import SystemFailure
from headrace.systems.platform.hook import PlatformHook
from include.stack.settings import Settings

PREFIX: Final = "process:"


class ProcessAlerts:
    """Store of the current process alerts by process name."""

    def __init__(self, file: Path, platform: PlatformHook) -> None:
        self._file = file
        self._platform = platform
        self._alerts: dict[str, str] = {}
        self._well_since: dict[str, float] = {}
        self._passed_on: Mapping[str, str] | None = None

    def raise_alert(self, name: str, text: str) -> None:
        """Record an alert for a process."""
        self._well_since.pop(name, None)
        self._alerts[name] = text
        self._write()

    def well(self, name: str, calm_s: float) -> None:
        """Record that a process answers; resolve its alert after `calm_s` seconds without a failed check."""
        since = self._well_since.setdefault(name, time.monotonic())
        if name in self._alerts and time.monotonic() - since >= calm_s:
            del self._alerts[name]
            self._write()

    def silent(self, name: str) -> None:
        """Record that a process does not answer."""
        self._well_since.pop(name, None)

    def pass_on(self) -> None:
        """Raise and resolve alerts in the platform's database; when it does not answer, the next call retries."""
        if self._passed_on == self._alerts:
            return
        with suppress(SystemFailure):
            for name, text in self._alerts.items():
                self._platform.raise_alert(f"{PREFIX}{name}", "error", text, link="")
            self._platform.resolve_others(PREFIX, [f"{PREFIX}{name}" for name in self._alerts])
            self._passed_on = dict(self._alerts)

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._alerts))
        new.chmod(0o600)
        new.replace(self._file)


def alerts_file(s: Settings) -> Path:
    """Return the file to which the instance's watchdog writes its alerts."""
    return s.run / "watchdog.json"


def read_alerts(s: Settings) -> dict[str, str]:
    """Return process → its alert text from the watchdog's file."""
    try:
        found: dict[str, str] = json.loads(alerts_file(s).read_text())
    except (OSError, ValueError):
        return {}
    return found
