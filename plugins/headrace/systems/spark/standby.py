"""A Spark driver that stands by, as a task asks it to do one job.

Its JVM, its session and its imports are warm, so a job about few rows ends before a driver of its own would have begun. It
takes one job at a time, and nothing rests on it: who does not get it runs a driver of its own. The other end is
`include/spark/batch/standby.py`.

They talk in lines of JSON over a unix socket. Who may connect may have jobs run: its mode is 600.

    driver   {"free": true}
    task     {"application": "…/job.py", "arguments": ["…"], "environment": {"…": "…"}, "conf": {"…": "…"}}
    driver   {"refused": "why"}, or {"said": "a line"} any number of times and then {"ended": 0};
             {"alive": true} every few seconds meanwhile, as long as its JVM answers

Who hangs up ends the job; a task hangs up when it has heard nothing for SILENT_S. A task sends secrets, and a driver does
what it is asked: each talks only to a process of its own user.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems.endpoint import Endpoint

SPARK: Final = "Spark"
SCHEME: Final = "unix://"
PATIENCE_S: Final = 20.0
"""How long to wait for a driver that is busy: about what a driver of one's own takes to start."""

SILENT_S: Final = 120.0
"""How long a driver may say nothing while it runs a job. It says that it is alive every few seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job of `include/spark/batch`."""

    application: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    """Addresses and secrets that it must find; the driver has its own, and refuses when they differ."""
    conf: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Spark's settings for the job; they stay until another job sets them."""


class Standby:
    """The driver at one place, for one job."""

    def __init__(self, address: str, patience_s: float = PATIENCE_S, silent_s: float = SILENT_S) -> None:
        self._address = address
        self._patience_s = patience_s
        self._silent_s = silent_s
        self._connection: socket.socket | None = None

    def run(self, job: Job, say: Callable[[str], None]) -> bool:
        """Whether it did the job; what it printed is said line by line.

        Raises:
            SystemRefused: the job failed.
            SystemUnavailable: the driver died over it, or `end` was called.
        """
        with socket.socket(socket.AF_UNIX) as self._connection, self._connection.makefile("rw") as lines:
            if not self._is_free(self._connection, lines):
                return False
            lines.write(f"{json.dumps(asdict(job))}\n")
            lines.flush()
            return self._follow(lines, say)

    def end(self) -> None:
        """Hang up, which ends the job."""
        if self._connection is not None:
            with suppress(OSError):  # it has hung up already
                self._connection.shutdown(socket.SHUT_RDWR)

    def _is_free(self, connection: socket.socket, lines: IO[str]) -> bool:
        connection.settimeout(self._patience_s)
        try:
            connection.connect(self._address.removeprefix(SCHEME))
            free = bool(lines.readline())
        except OSError:  # nobody there, or busy for too long
            return False
        if peer_user(connection) != os.geteuid():
            return False
        connection.settimeout(self._silent_s)  # a job takes as long as it takes; its driver says that it is alive
        return free

    def _follow(self, lines: IO[str], say: Callable[[str], None]) -> bool:
        try:
            for line in lines:
                told: dict[str, Any] = json.loads(line)
                if "refused" in told:
                    say(f"the standing Spark driver does not take it: {told['refused']}")
                    return False
                if "ended" in told:
                    if told["ended"]:
                        raise SystemRefused(SPARK, self._address, f"the job ended with {told['ended']}; see above")
                    return True
                if "said" in told:
                    say(told["said"])
        except TimeoutError as silent:
            text = f"the driver has said nothing for {self._silent_s:.0f} s over the job; it may be done again"
            raise SystemUnavailable(SPARK, self._address, text) from silent
        except (OSError, ValueError) as broken:
            raise SystemUnavailable(SPARK, self._address, f"the driver was lost over the job: {broken}") from broken
        raise SystemUnavailable(SPARK, self._address, "the driver died over the job; it may be done again")


def peer_user(connection: socket.socket) -> int:
    """The user of the process at the other end of a unix socket, as the kernel knows it (SO_PEERCRED of unix(7))."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)


def standby(spark: Endpoint) -> Standby | None:
    """The driver that the connection `spark_default` names in its extra `standby`; None where there is none."""
    address = str(spark.extra.get("standby", ""))
    return Standby(address) if address.startswith(SCHEME) else None
