"""Start a watching process, and get what it saw.

It is told what to watch on its standard input (which keeps secrets out of the process list), watches until that is
closed, and answers with one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.context import NotMeasured


@dataclass(frozen=True, slots=True)
class Seen:
    """When positions were first seen.

    Attributes:
        at: (partition, offset) → epoch microseconds.
        polls_ms: time between one poll's answer and the next one's, the resolution of `at`.
    """

    at: Mapping[tuple[int, int], int] = field(hash=False)
    polls_ms: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists."""
        return {"at": [[*place, at] for place, at in self.at.items()], "looks_ms": list(self.polls_ms)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Seen:
        """The inverse of `to_json`."""
        return cls({(p, o): at for p, o, at in value["at"]}, tuple(value["looks_ms"]))


class Watcher:
    """A running watcher; `ready` once it polls, `stop` to have what it saw."""

    def __init__(self, module: str, parameters: Mapping[str, Any]) -> None:
        command = [sys.executable, "-m", f"benchmarks.watch.{module}"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(parameters) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != "ready":
            raise NotMeasured(f"the watcher {module} did not start; its words are above")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self, timeout_s: float = 60.0) -> Seen:
        """What it saw."""
        answer, _ = self._process.communicate(timeout=timeout_s)
        if self._process.returncode:
            raise NotMeasured("a watcher broke down; its words are above")
        return Seen.from_json(json.loads(answer))

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()


def serve(watch: Callable[[Mapping[str, Any], Callable[[], None], threading.Event], Seen]) -> None:
    """The watching process: `watch(parameters, ready, stop)` returns what it saw once `stop` is set."""
    parameters, stop = json.loads(sys.stdin.readline()), threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        stop.set()

    def ready() -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    threading.Thread(target=wait_for_end, daemon=True).start()
    json.dump(watch(parameters, ready, stop).to_json(), sys.stdout)
