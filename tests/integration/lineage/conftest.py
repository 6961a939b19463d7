"""A lineage endpoint as it runs for real, over the test stack's platform database.

Tests share the database with whatever the stack emits: each uses names of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import pytest

from headrace.services.lineage.hook import LineageHook
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.migration import migrate, read_migrations
from include.stack.databases import role_dsn
from tests.support.lineage_cases import ROOT
from tests.support.waiting import wait_until

T = TypeVar("T")
KEY = "a-key-for-tests"


class RunningEndpoint:
    """The endpoint's process, a client with its key, and a hook."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {KEY}"}
        self.client = httpx.Client(base_url=self.url, headers=headers, timeout=20)
        self.hook = LineageHook(Endpoint("127.0.0.1", port, password=KEY))

    def post(self, *events: dict[str, Any]) -> httpx.Response:
        if len(events) == 1:
            return self.client.post("/api/v1/lineage", json=events[0])
        return self.client.post("/api/v1/lineage/batch", json=list(events))


@contextmanager
def running(folder: Path, dsn: str, *, wait: bool = True, **environ: str) -> Iterator[RunningEndpoint]:
    """Start the endpoint on a free port; stop it at the end."""
    port = free_port()
    log = folder / f"lineage-{port}.log"
    settings = {"HEADRACE_PLATFORM_DSN": dsn, "HEADRACE_LINEAGE_KEY": KEY, **environ}
    path = f"{ROOT}{os.pathsep}{ROOT / 'plugins'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    command = [
        sys.executable, "-m", "uvicorn", "include.apps.lineage.app:app", "--host", "127.0.0.1",
        "--port", str(port), "--log-level", "warning", "--no-access-log",
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | settings | {"PYTHONPATH": path},
            stdout=out,
            stderr=out,
        )
    endpoint = RunningEndpoint(process, port, log)
    try:
        if wait:
            wait_until(lambda: healthy(endpoint), 30)
        yield endpoint
    finally:
        process.terminate()
        process.wait(20)
        endpoint.client.close()


def healthy(endpoint: RunningEndpoint) -> bool:
    if endpoint.process.poll() is not None:
        raise AssertionError(endpoint.log.read_text())
    try:
        return endpoint.client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_query(dsn: str, query: Callable[[psycopg.AsyncConnection[Any]], Awaitable[T]]) -> T:
    """The answer to an asynchronous query."""

    async def run() -> T:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            return await query(connection)

    return asyncio.run(run())


@pytest.fixture(scope="session")
def dsn(stack: Any) -> str:
    """The test stack's platform database, with its tables, as the endpoint's role; never that of the main instance.

    Without HEADRACE_INSTANCE the stack's settings are those of `main`, whose lineage is real.
    """
    if stack.settings.home.name == "main":
        pytest.fail("these tests write lineage: not into the main instance", pytrace=False)
    with psycopg.connect(stack.platform_dsn) as connection:
        migrate(connection, read_migrations())
    return role_dsn(stack.settings, "lineage", "headrace")


@pytest.fixture(scope="session")
def endpoint(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    with running(tmp_path_factory.mktemp("lineage"), dsn) as started:
        yield started


@pytest.fixture
def space() -> str:
    """A namespace that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def rows(dsn: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Ask the database itself."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def query(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
            return connection.execute(sql, arguments).fetchall()

        yield query
