"""Parsed status of a connector and its tasks, with causes of failures. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

State: TypeAlias = Literal["RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED", "RESTARTING"]

CAUSED_BY: Final = "Caused by: "
LONGEST_CAUSE: Final = 400
SLOT_LOST: Final = re.compile(
    r"can no longer (?:get|access) (?:changes|replication slot)"
    r"|replication slot .* (?:has been invalidated|is invalid)"
    r"|replication slot \"[^\"]+\" does not exist"
    r"|slot .* is no longer available"
    # "… but this is no longer available on the server" follows an offset that is longer than LONGEST_CAUSE.
    r"|is trying to read change stream starting at"
    r"|requested WAL segment .* has already been removed",
    re.IGNORECASE,
)
"""Error texts of PostgreSQL and Debezium for a slot whose WAL is gone."""


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Failure of a task, or of the connector itself, with its cause."""

    connector: str
    task: int | None
    """Number of the task; None when the connector itself failed."""
    error: str
    """First line of the stack trace."""
    cause: str
    """Message of the innermost cause; equal to `error` without a cause."""
    causes: tuple[str, ...] = ()
    """Messages of all causes, the outermost first."""

    @property
    def sentence(self) -> str:
        """Return one sentence with the failed part and the cause."""
        who = f"task {self.task} of connector" if self.task is not None else "connector"
        because = "" if self.cause == self.error else f", caused by {self.cause}"
        return f"{who} {self.connector} failed: {self.error}{because}"

    @property
    def slot_lost(self) -> bool:
        """Return whether the slot is lost, so that a fresh snapshot is needed."""
        return bool(SLOT_LOST.search(self.error) or SLOT_LOST.search(self.cause))


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """States of a connector and its tasks, with their failures."""

    name: str
    state: State
    tasks: tuple[State, ...]
    failures: tuple[TaskFailure, ...] = ()

    def settled(self, state: State) -> bool:
        """Return whether the connector and all its tasks are in the state."""
        if self.state != state or any(task != state for task in self.tasks):
            return False
        return bool(self.tasks) or state in ("STOPPED", "FAILED")

    @property
    def summary(self) -> str:
        """Return the status for a log line: `cdc-oltp RUNNING, tasks RUNNING`."""
        return f"{self.name} {self.state}, tasks {', '.join(self.tasks) or 'none'}"


def parse_status(body: Mapping[str, Any]) -> ConnectorStatus:
    """Parse a status response of Connect's REST API."""
    name, connector = body["name"], body["connector"]
    failed = [(None, connector)] if connector["state"] == "FAILED" else []
    failed += [(task["id"], task) for task in body["tasks"] if task["state"] == "FAILED"]
    return ConnectorStatus(
        name,
        connector["state"],
        tuple(task["state"] for task in body["tasks"]),
        tuple(_failure(name, number, part.get("trace", "")) for number, part in failed),
    )


def _failure(connector: str, task: int | None, trace: str) -> TaskFailure:
    lines = trace.splitlines()
    error = _short(lines[0]) if lines else "no trace given"
    causes = tuple(_short(line.removeprefix(CAUSED_BY)) for line in lines if line.startswith(CAUSED_BY))
    return TaskFailure(connector, task, error, causes[-1] if causes else error, causes)


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= LONGEST_CAUSE else f"{line[: LONGEST_CAUSE - 1]}…"
