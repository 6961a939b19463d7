"""Client of the standby Spark driver, which runs one batch job at a time.

Its JVM, session and imports are warm, so a job with few rows ends before a new driver would have started. The driver is
optional: a task that does not get it submits a new driver. The server is `include/spark/batch/standby.py`.

Both exchange lines of JSON over a unix socket. A process that may connect may run jobs, so the socket's mode is 600.

    driver   {"free": true}
    task     {"application": "…/job.py", "arguments": ["…"], "environment": {"…": "…"}, "conf": {"…": "…"}}
    driver   {"refused": "why"}, or {"said": "a line"} any number of times and then {"ended": 0};
             {"alive": true} every few seconds meanwhile, as long as its JVM answers

Closing the connection ends the job. A task closes it after SILENT_S without a line. A task sends secrets, and a driver
runs what it is sent, so each talks only to a process of its own user.
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
PATIENCE_S: Final = 120.0
"""Seconds to wait for a busy driver. A new driver takes a minute of CPU on a busy machine, a warm one seconds for a job."""

SILENT_S: Final = 120.0
"""Seconds without a line after which a driver that runs a job counts as lost.

It reports that it is alive every few seconds.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One job of `include/spark/batch`."""

    application: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    """Addresses and secrets of the job. The driver refuses the job if its own differ."""
    conf: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Spark settings of the job; they stay until another job sets them."""


class Standby:
    """Connection to the standby driver for one job."""

    def __init__(self, address: str, patience_s: float = PATIENCE_S, silent_s: float = SILENT_S) -> None:
        self._address = address
        self._patience_s = patience_s
        self._silent_s = silent_s
        self._connection: socket.socket | None = None

    def run(self, job: Job, log: Callable[[str], None]) -> bool:
        """Run the job; return False if the driver did not take it. `log` gets each printed line.

        Raises:
            SystemRefused: the job failed.
            SystemUnavailable: the driver died during the job, or `end` was called.
        """
        with socket.socket(socket.AF_UNIX) as self._connection, self._connection.makefile("rw") as lines:
            if not self._is_free(self._connection, lines):
                return False
            lines.write(f"{json.dumps(asdict(job))}\n")
            lines.flush()
            return self._follow(lines, log)

    def end(self) -> None:
        """Close the connection, which ends the job."""
        if self._connection is not None:
            with suppress(OSError):  # it is closed already
                self._connection.shutdown(socket.SHUT_RDWR)

    def _is_free(self, connection: socket.socket, lines: IO[str]) -> bool:
        connection.settimeout(self._patience_s)
        try:
            connection.connect(self._address.removeprefix(SCHEME))
            free = bool(lines.readline())
        except OSError:  # no driver, or busy for too long
            return False
        if peer_user(connection) != os.geteuid():
            return False
        connection.settimeout(self._silent_s)  # a job may take any time; its driver reports that it is alive
        return free

    def _follow(self, lines: IO[str], log: Callable[[str], None]) -> bool:
        try:
            for line in lines:
                message: dict[str, Any] = json.loads(line)
                if "refused" in message:
                    log(f"the standby Spark driver refused the job: {message['refused']}")
                    return False
                if "ended" in message:
                    if message["ended"]:
                        raise SystemRefused(SPARK, self._address, f"the job ended with {message['ended']}; see above")
                    return True
                if "said" in message:
                    log(message["said"])
        except TimeoutError as silent:
            text = f"the driver sent nothing for {self._silent_s:.0f} s during the job; the job may be run again"
            raise SystemUnavailable(SPARK, self._address, text) from silent
        except (OSError, ValueError) as broken:
            raise SystemUnavailable(
                SPARK, self._address, f"the connection to the driver was lost during the job: {broken}"
            ) from broken
        raise SystemUnavailable(SPARK, self._address, "the driver died during the job; the job may be run again")


def peer_user(connection: socket.socket) -> int:
    """Return the user id of the process at the other end of a unix socket (SO_PEERCRED of unix(7))."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user)


def standby(spark: Endpoint) -> Standby | None:
    """Return the standby driver that the connection `spark_default` names in its extra `standby`; None without one."""
    address = str(spark.extra.get("standby", ""))
    return Standby(address) if address.startswith(SCHEME) else None
