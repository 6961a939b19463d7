"""Hook for Kafka Connect's REST API.

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
    "Sources keep their changes and topics their records; "
    "connectors continue from their stored offsets when it answers."
)
OLD_FAILURE_S: Final = 30.0
"""Seconds after which a failure from before a configuration change counts.
Ten times what Connect needs to pass on a change.
"""


class ConnectHook:
    """Hook that creates, inspects and controls connectors."""

    default_conn_name = "kafka_connect_default"

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 90.0,  # a worker validates a configuration before it answers
        backoff: Backoff | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = HttpClient(
            "connect",
            endpoint,
            next_step=NEXT_STEP,
            timeout_s=timeout_s,
            backoff=backoff or Backoff(tries=8, first_s=0.5),
            transient={REBALANCING},
            transport=transport,
            sleep=sleep,
        )
        self._sleep = sleep

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> ConnectHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @property
    def address(self) -> str:
        """Return the URL of the API."""
        return self._http.address

    def names(self) -> tuple[str, ...]:
        """Return the names of all connectors, sorted."""
        return tuple(sorted(self._http.call("GET", "/connectors").body or ()))

    def config(self, name: str) -> dict[str, str] | None:
        """Return the connector's configuration as submitted; None if there is no connector."""
        answer = self._http.call("GET", f"{_path(name)}/config", accept={ABSENT})
        if answer.status == ABSENT:
            return None
        return {key: str(value) for key, value in answer.body.items() if key != "name"}

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector, or replace its whole configuration.

        Raises:
            SystemRefused: Connect rejects the configuration.
        """
        self._http.call("PUT", f"{_path(name)}/config", body=dict(config))

    def task_settings(self, name: str, key: str) -> list[str | None]:
        """Return the value of a configuration key for each task; None for a task without the key."""
        answer = self._http.call("GET", f"{_path(name)}/tasks", accept={ABSENT})
        return [] if answer.status == ABSENT else [task["config"].get(key) for task in answer.body]

    def delete(self, name: str) -> None:
        """Delete the connector; its topics, offsets and slot stay. No error if there is none."""
        self._http.call("DELETE", _path(name), accept={ABSENT})

    def status(self, name: str) -> ConnectorStatus | None:
        """Return the state of the connector and its tasks; None if there is no connector, or not yet."""
        answer = self._http.call("GET", f"{_path(name)}/status", accept={ABSENT})
        return None if answer.status == ABSENT else parse_status(answer.body)

    def pause(self, name: str) -> None:
        """Request a pause: tasks stay, nothing is read or written."""
        self._http.call("PUT", f"{_path(name)}/pause")

    def resume(self, name: str) -> None:
        """Request that a paused or stopped connector resumes."""
        self._http.call("PUT", f"{_path(name)}/resume")

    def stop(self, name: str) -> None:
        """Request a stop: tasks end, and the offsets may be altered."""
        self._http.call("PUT", f"{_path(name)}/stop")

    def restart(self, name: str, *, only_failed: bool = True) -> None:
        """Restart the connector and its tasks, by default only the failed ones."""
        params = {"includeTasks": "true", "onlyFailed": "true" if only_failed else "false"}
        self._http.call("POST", f"{_path(name)}/restart", params=params)

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """Return the connector's stored offsets, each `{"partition": …, "offset": …}`."""
        answer = self._http.call("GET", f"{_path(name)}/offsets")
        return list(answer.body["offsets"])

    def delete_offsets(self, name: str) -> None:
        """Delete the offsets of a stopped connector. A source then takes a fresh snapshot.

        Raises:
            SystemRefused: the connector is not stopped.
        """
        self._http.call("DELETE", f"{_path(name)}/offsets")

    def require_well(self, name: str) -> None:
        """Raise SystemFailure with the connector's own error if it or one of its tasks has failed."""
        status = self.status(name)
        if status and status.failures:
            raise SystemFailure("connect", self.address, status.failures[0].sentence)

    def wait_for_tasks(self, name: str, key: str, value: str, timeout_s: float = 60.0) -> None:
        """Wait until all tasks have this value of the configuration key. Tasks get a new configuration with a delay.

        Raises:
            SystemUnavailable: the tasks do not have it in time.
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
        """Wait until the connector and its tasks are in the state. A stopped connector has no tasks.

        Args:
            before: status before a configuration change. Its failures stay visible until the tasks have the new
                configuration, so they count only if they are still there after OLD_FAILURE_S.

        Raises:
            SystemFailure: a task failed. The message has the cause.
            SystemUnavailable: the state is not reached in time.
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
