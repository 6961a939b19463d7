"""Fixtures for every test: the live stack, where a test asks for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import hypothesis
import pytest

from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from include.stack import databases, endpoints, settings
from include.stack.airflow_api import AirflowApi
from include.stack.connections import connections
from include.stack.settings import Settings
from include.stack.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from include.shop.oracle import Comparison
    from tests.support.airflow_pages import Pages
    from tests.support.live_shop import Shop

# Deadlines and slowness measure the machine's load, not the code. In CI every run draws the same examples.
hypothesis.settings.register_profile(
    "headrace",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("headrace")


@dataclass(frozen=True)
class Stack:
    """The running test stack."""

    settings: Settings

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.settings)

    @cached_property
    def airflow(self) -> AirflowApi:
        return AirflowApi(self.settings)

    def pid(self, process: str) -> int:
        """The process id by which the supervisor has a process; 0 while it does not run."""
        return next((state.pid for state in self.supervisor.states() if state.name == process), 0)

    @cached_property
    def systems(self) -> Systems:
        return endpoints.systems(self.settings)

    def endpoint(self, connection: str) -> Endpoint:
        return endpoints.endpoint(self.settings, connection)

    @property
    def connect_url(self) -> str:
        return self.endpoint("kafka_connect_default").url

    @property
    def clickhouse(self) -> Endpoint:
        return self.endpoint("clickhouse_default")

    @property
    def lake(self) -> Endpoint:
        return self.endpoint("lake_default")

    @property
    def oltp_dsn(self) -> str:
        return databases.role_dsn(self.settings, "shop")

    @property
    def platform_dsn(self) -> str:
        return databases.role_dsn(self.settings, "headrace_platform")

    def superuser_dsn(self, database: str) -> str:
        return databases.superuser_dsn(self.settings, database)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The live stack that ./headrace test has started; a test that uses it is marked `stack`."""
    found = Stack(settings.load())
    if found.settings.home.name == "main":
        pytest.fail("these tests write: run them by ./headrace test, on a stack of their own", pytrace=False)
    if not found.supervisor.is_up():
        pytest.fail("the test stack is down: run these tests by ./headrace test", pytrace=False)
    return found


@pytest.fixture
def trading(stack: Stack) -> Callable[[int], AbstractContextManager[Shop]]:
    """`with trading(seed) as shop:` the shop writes inside the block."""
    from tests.support.live_shop import open_shop

    return lambda seed: open_shop(stack.oltp_dsn, seed)


@pytest.fixture
def oracle(stack: Stack) -> Callable[[], Comparison]:
    """What PostgreSQL has committed = what ClickHouse serves = what the lake holds; waits for it."""
    from tests.support.three_hops import judge

    return lambda: judge(stack)


@pytest.fixture
def operators(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's connections in the environment: an operator of a DAG runs in the test's own process."""
    for body in connections(stack.settings):
        fields = {name: value for name, value in body.items() if name != "description"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{fields.pop('connection_id').upper()}", json.dumps(fields))


@pytest.fixture
def pages(stack: Stack) -> Iterator[Pages]:
    """Airflow's pages in a browser."""
    from tests.support.airflow_pages import opened

    with opened(stack) as found:
        yield found


BESIDE = {"lineage", "marts", "refinement", "security", "shop", "stores", "systems"}
"""Folders of tests that use names of their own, so that they may run beside others on the same stack."""

REGISTER_MANY = {"fidelity", "isolation"}
"""Folders of tests that register schemas all the time, and keep tests that predict their ids waiting."""

ENGINE_TIMEOUT_S = 1200
"""Tests of Spark's engines run on the time that all others leave."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the tests marked `long`, and no other.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the long tests or the others, mark tests by what they use, and order them."""
    left_out = [item for item in items if (item.get_closest_marker("long") is not None) != config.getoption("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if item.path.parent.parent.name == "integration" and item.path.parent.name in BESIDE:
            item.add_marker("beside")
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"stack", "oltp_dsn", "spark"} & fixtures:
            item.add_marker("stack")
        if "spark" in fixtures and not {"stack", "oltp_dsn"} & fixtures:
            item.add_marker("engine")
            item.add_marker(pytest.mark.timeout(ENGINE_TIMEOUT_S))
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, bool, bool]:
    """Dead letters come first: they predict schema ids, and tests beside them do not register schemas yet. Faults come last."""
    folder = item.path.parent.name
    return item.get_closest_marker("faults") is not None, folder != "dead_letters", folder in REGISTER_MANY


@pytest.fixture(scope="session")
def oltp_dsn(stack: Stack) -> str:
    """The PostgreSQL server as its superuser, for tests that make databases of their own."""
    return stack.superuser_dsn("oltp")
