"""Hosts of the streaming drivers, which start, stop and inspect them.

A host is never an Airflow worker, because a driver outlives the task that started it. `SupervisorHost` is the machine's
process supervisor. On a cluster, a Spark operator implements the same interface.
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
    """State of a group's driver, as its host reports it."""

    group: str
    alive: bool
    pid: int
    state: str
    """State in the host's words, e.g. `RUNNING` or `EXITED`."""


class StreamHost(Protocol):
    """Host of the streaming drivers."""

    def driver(self, group: str) -> Driver:
        """Return the group's driver, alive or not. Raises SystemUnavailable, SystemRefused."""

    def launch(self, group: str) -> None:
        """Start the group's driver. Does nothing if it is alive."""

    def stop(self, group: str) -> None:
        """Stop the group's driver and wait until it has ended. Does nothing if it is not alive."""


class SupervisorHost:
    """Host that uses the local supervisor (supervisord), over its unix socket or its HTTP port.

    `address` is `unix:///path/to/socket` or `http://user:password@host:port`.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def driver(self, group: str) -> Driver:
        found: dict[str, Any] | None = self._call("supervisor.getProcessInfo", _program(group), but=UNKNOWN)
        if found is None:  # the group was applied after the supervisor's start, and never launched
            return Driver(group, False, 0, "STOPPED")
        return Driver(group, found["statename"] in LIVE, int(found["pid"]), str(found["statename"]))

    def launch(self, group: str) -> None:
        self._call("headrace.addStream", group)
        self._call("supervisor.startProcess", _program(group), False, but="ALREADY_STARTED")

    def stop(self, group: str) -> None:
        self._call("supervisor.stopProcess", _program(group), True, but=(*UNKNOWN, "NOT_RUNNING"))

    def _call(self, method: str, *arguments: Any, but: str | tuple[str, ...] = ()) -> Any:
        """Return the method's result; None for a fault whose name is in `but`."""
        try:
            return supervisord.call(self._address, method, *arguments)
        except xmlrpc.client.Fault as fault:
            if but and fault.faultString.startswith(but):
                return None
            raise SystemRefused(
                SPARK,
                self._place,
                f"the supervisor refuses {method} {arguments[0]}: {fault.faultString}; restart it with this version",
            ) from fault
        except xmlrpc.client.ProtocolError as error:
            raise SystemRefused(
                SPARK, self._place, f"{error.errcode} {error.errmsg}: check the password in spark_default"
            ) from error
        except (OSError, HTTPException) as error:
            raise SystemUnavailable(SPARK, self._place, f"{error}; the streams continue without it") from error

    @property
    def _place(self) -> str:
        return self._address.rpartition("@")[2]


def stream_host(spark: Endpoint) -> StreamHost:
    """Return the host that the connection `spark_default` names in its extra `streams`.

    Raises SystemRefused without one.
    """
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
