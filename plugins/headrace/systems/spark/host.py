"""Who owns the streaming drivers. Never an Airflow worker: a driver outlives the task that asked for it.

One small interface. `SupervisorHost` is the machine's process supervisor; on a cluster a Spark operator takes its place.
"""

from __future__ import annotations

import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Protocol

from headrace.errors import SystemRefused, SystemUnavailable
from headrace.systems import supervisord
from headrace.systems.endpoint import Endpoint

SPARK: Final = "Spark"
UNKNOWN: Final = ("BAD_NAME",)
LIVE: Final = frozenset({"STARTING", "RUNNING", "STOPPING"})


@dataclass(frozen=True, slots=True)
class Driver:
    """What its owner says of a group's driver."""

    group: str
    alive: bool
    pid: int
    state: str
    """The owner's own word, e.g. `RUNNING` or `EXITED`."""


class StreamHost(Protocol):
    """Owner of the drivers."""

    def driver(self, group: str) -> Driver:
        """The group's driver, alive or not. Raises SystemUnavailable, SystemRefused."""

    def launch(self, group: str) -> None:
        """Start the group's driver; nothing happens when it is alive."""

    def stop(self, group: str) -> None:
        """Stop the group's driver and wait until it is gone; nothing happens when it is not alive."""


class SupervisorHost:
    """The local supervisor (supervisord), over its unix socket or its HTTP port.

    `address` is `unix:///path/to/socket` or `http://user:password@host:port`.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def driver(self, group: str) -> Driver:
        found: dict[str, Any] | None = self._call("supervisor.getProcessInfo", _program(group), but=UNKNOWN)
        if found is None:  # of a group that was applied after the supervisor's start, and never launched
            return Driver(group, False, 0, "STOPPED")
        return Driver(group, found["statename"] in LIVE, int(found["pid"]), str(found["statename"]))

    def launch(self, group: str) -> None:
        self._call("headrace.addStream", group)
        self._call("supervisor.startProcess", _program(group), False, but="ALREADY_STARTED")

    def stop(self, group: str) -> None:
        self._call("supervisor.stopProcess", _program(group), True, but=(*UNKNOWN, "NOT_RUNNING"))

    def _call(self, method: str, *arguments: Any, but: str | tuple[str, ...] = ()) -> Any:
        """What the method returns; None for a fault whose name is in `but`."""
        try:
            return supervisord.call(self._address, method, *arguments)
        except xmlrpc.client.Fault as fault:
            if but and fault.faultString.startswith(but):
                return None
            raise SystemRefused(
                SPARK,
                self._place,
                f"the supervisor refuses {method} {arguments[0]}: {fault.faultString}; start it anew with this version",
            ) from fault
        except xmlrpc.client.ProtocolError as error:
            raise SystemRefused(
                SPARK, self._place, f"{error.errcode} {error.errmsg}: check the password in spark_default"
            ) from error
        except (OSError, HTTPException) as error:
            raise SystemUnavailable(SPARK, self._place, f"{error}; the streams themselves go on without it") from error

    @property
    def _place(self) -> str:
        return self._address.rpartition("@")[2]


def stream_host(spark: Endpoint) -> StreamHost:
    """The owner that the connection `spark_default` names in its extra `streams`."""
    address = str(spark.extra.get("streams", ""))
    if not address.startswith(("unix://", "http://", "https://")):
        raise SystemRefused(
            SPARK,
            "spark_default",
            'connection spark_default: set "streams" in its extra to the supervisor\'s address, e.g. unix:///run/supervisor.sock',
        )
    return SupervisorHost(address)


def _program(group: str) -> str:
    return f"stream-{group}"
