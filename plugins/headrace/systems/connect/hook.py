"""Kafka Connect, by its REST API.

Connection `kafka_connect_default`, type http: host, port, login, password.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from headrace.errors import SystemFailure, SystemUnavailable
from headrace.systems.connect.status import ConnectorStatus, State, parse_status
from headrace.systems.endpoint import Endpoint
from headrace.systems.http import HttpClient
from headrace.systems.retry import Backoff

if TYPE_CHECKING:
    import httpx

ABSENT: Final = 404
REBALANCING: Final = 409
NEXT_STEP: Final = (
    "Sources keep their changes and topics their records; connectors go on from their stored positions when it answers."
)
OLD_FAILURE_S: Final = 30.0
"""Seconds in which Connect gives the tasks of a connector a new configuration, ten times what it needs."""


class ConnectHook:
    """Connectors: make, look at, steer."""

    default_conn_name = "kafka_connect_default"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        backoff: Backoff | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = HttpClient(
            "connect",
            endpoint,
            next_step=NEXT_STEP,
            timeout_s=90.0,  # a worker answers a change of configuration after it checked it
            backoff=backoff or Backoff(tries=8, first_s=0.5),
            transient={REBALANCING},
            transport=transport,
            sleep=sleep,
        )
        self._sleep = sleep

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> ConnectHook:
        """The Connect cluster of an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Where the API is."""
        return self._http.address

    def names(self) -> tuple[str, ...]:
        """Every connector, sorted."""
        return tuple(sorted(self._http.call("GET", "/connectors").body or ()))

    def config(self, name: str) -> dict[str, str] | None:
        """The connector's configuration as it was given; None where there is no connector."""
        answer = self._http.call("GET", f"{_path(name)}/config", accept={ABSENT})
        if answer.status == ABSENT:
            return None
        return {key: str(value) for key, value in answer.body.items() if key != "name"}

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Makes the connector, or gives it this whole configuration.

        Raises:
            SystemRefused: Connect finds a fault in the configuration.
        """
        self._http.call("PUT", f"{_path(name)}/config", body=dict(config))

    def task_settings(self, name: str, key: str) -> list[str | None]:
        """Return the value of a configuration key in each of the connector's tasks; None where a task has no such key."""
        answer = self._http.call("GET", f"{_path(name)}/tasks", accept={ABSENT})
        return [] if answer.status == ABSENT else [task["config"].get(key) for task in answer.body]

    def delete(self, name: str) -> None:
        """Removes the connector; its topics, positions and slot stay. No error without one."""
        self._http.call("DELETE", _path(name), accept={ABSENT})

    def status(self, name: str) -> ConnectorStatus | None:
        """What the connector and its tasks do; None where there is no connector, or not yet."""
        answer = self._http.call("GET", f"{_path(name)}/status", accept={ABSENT})
        return None if answer.status == ABSENT else parse_status(answer.body)

    def pause(self, name: str) -> None:
        """Asks the connector to pause: tasks stay, nothing is read or written."""
        self._http.call("PUT", f"{_path(name)}/pause")

    def resume(self, name: str) -> None:
        """Asks a paused or stopped connector to go on."""
        self._http.call("PUT", f"{_path(name)}/resume")

    def stop(self, name: str) -> None:
        """Asks the connector to stop: its tasks end, its positions may be altered."""
        self._http.call("PUT", f"{_path(name)}/stop")

    def restart(self, name: str, *, only_failed: bool = True) -> None:
        """Restarts the connector and its tasks, by default only the failed ones."""
        params = {"includeTasks": "true", "onlyFailed": "true" if only_failed else "false"}
        self._http.call("POST", f"{_path(name)}/restart", params=params)

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """The connector's stored positions, each `{"partition": …, "offset": …}`."""
        answer = self._http.call("GET", f"{_path(name)}/offsets")
        return list(answer.body["offsets"])

    def delete_offsets(self, name: str) -> None:
        """Forgets the positions of a stopped connector: a source takes a fresh snapshot next.

        Raises:
            SystemRefused: the connector is not stopped.
        """
        self._http.call("DELETE", f"{_path(name)}/offsets")

    def require_well(self, name: str) -> None:
        """Raise SystemFailure with the connector's own error when it, or a task of it, has failed."""
        status = self.status(name)
        if status and status.failures:
            raise SystemFailure("connect", self.address, status.failures[0].sentence)

    def wait_for_tasks(self, name: str, key: str, value: str, timeout_s: float = 60.0) -> None:
        """Wait until the connector has tasks and each was given the value: a new configuration reaches them later.

        Raises:
            SystemUnavailable: they were not in time.
        """
        deadline = time.monotonic() + timeout_s
        while set(self.task_settings(name, key)) != {value}:
            if time.monotonic() > deadline:
                raise SystemUnavailable(
                    "connect",
                    self.address,
                    f"the tasks of connector {name} did not get {key} = {value} within {timeout_s:.0f} s. {NEXT_STEP}",
                )
            self._sleep(0.2)

    def wait(
        self, name: str, state: State, timeout_s: float = 120.0, *, before: ConnectorStatus | None = None
    ) -> ConnectorStatus:
        """Waits until the connector and its tasks are in the state; a stopped one has no tasks.

        Args:
            before: what they did before a change of the configuration. A failure of then stands until their tasks have the
                new one, and counts only when it is still there after OLD_FAILURE_S.

        Raises:
            SystemFailure: a task failed instead; says why.
            SystemUnavailable: the state was not reached in time.
        """
        began = time.monotonic()
        deadline, old = began + timeout_s, before.failures if before else ()
        while True:
            status = self.status(name)
            if status and status.settled(state):
                return status
            if status and state == "RUNNING":
                counted = time.monotonic() > began + OLD_FAILURE_S
                failures = [failure for failure in status.failures if counted or failure not in old]
                if failures:
                    raise SystemFailure("connect", self.address, failures[0].sentence)
            if time.monotonic() > deadline:
                seen = status.summary if status else "no connector"
                raise SystemUnavailable(
                    "connect",
                    self.address,
                    f"connector {name} is not {state} after {timeout_s:.0f} s: {seen}. {NEXT_STEP}",
                )
            self._sleep(0.5)


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"
