"""What the steps of the demo share: clients, SQL on the source, DAG runs and waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg

from headrace.systems.bundle import Systems
from include.stack.airflow_api import AirflowApi
from include.stack.databases import role_dsn, superuser_dsn
from include.stack.endpoints import systems
from include.stack.settings import Settings
from include.stack.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from pyiceberg.table import Table

T = TypeVar("T")
Report = Callable[[str], None]

WITHIN_S: Final = 300.0
RUN_WITHIN_S: Final = 1800.0
"""Seconds for a DAG run, which may wait in its pool behind the refinements of the shop."""
POLL_S: Final = 0.5
REPORT_EVERY_S: Final = 10.0


class Unmet(Exception):
    """A step did not find what it expects; the message says what was expected and found, and what to do next."""

    def __init__(self, expected: str, found: object, next_step: str) -> None:
        super().__init__(f"expected {expected}; found {found}. Next: {next_step}")


class Stage:
    """The running stack, as the steps use it."""

    def __init__(self, s: Settings, report: Report) -> None:
        self.s = s
        self.report = report

    @cached_property
    def airflow(self) -> AirflowApi:
        """Return the client of Airflow's API."""
        return AirflowApi(self.s)

    @cached_property
    def systems(self) -> Systems:
        """Return the hooks of all systems."""
        return systems(self.s)

    def write(self, statement: str, rows: Sequence[Sequence[Any]] = ((),)) -> None:
        """Run the statement on the source once per row of parameters, each in a transaction of its own."""
        with psycopg.connect(role_dsn(self.s, "shop"), autocommit=True, connect_timeout=10) as connection:
            for row in rows:
                connection.execute(statement.encode(), row or None)

    def define(self, *statements: str) -> None:
        """Run statements that define the source, as its owner, in one transaction."""
        with psycopg.connect(superuser_dsn(self.s, "oltp"), connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def source(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the source."""
        with psycopg.connect(role_dsn(self.s, "shop"), connect_timeout=10) as connection:
            return connection.execute(query.encode()).fetchall()

    def served(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on ClickHouse."""
        return [tuple(row) for row in self.systems.warehouse.rows(query)]

    def lake(self, table: str) -> Table:
        """Return a table of the lake in its current state."""
        return self.systems.lake.need(table)

    def pid(self, process: str) -> int:
        """Return the process id that the supervisor has for a process; 0 while it does not run."""
        return next((state.pid for state in Supervisor(self.s).states() if state.name == process), 0)

    def run(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Trigger a DAG and wait until the run succeeds; return the run's id. Raises AirflowRefused."""
        self.airflow.wait_for_dag(dag, WITHIN_S)
        self.airflow.pause(dag, paused=False)
        run = self.airflow.trigger(dag, conf)
        self.report(f"triggered {dag}")
        self.airflow.wait_for_run(dag, run, RUN_WITHIN_S, self.report)
        return run

    def wait(
        self,
        expected: str,
        read: Callable[[], T],
        meets: Callable[[T], bool],
        *,
        next_step: str,
        within_s: float = WITHIN_S,
        poll_s: float = POLL_S,
    ) -> T:
        """Read until the result meets the expectation, report progress, and return the result. Raises Unmet."""
        began = reported_at = time.monotonic()
        while not meets(found := read()):
            now = time.monotonic()
            if now - began > within_s:
                raise Unmet(f"{expected} within {within_s:.0f} s", found, next_step)
            if now - reported_at > REPORT_EVERY_S:
                self.report(f"waiting: {expected}")
                reported_at = now
            time.sleep(poll_s)
        return found
