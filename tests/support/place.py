"""A place of its own on a running stack: a source database, contracts, a stream driver; nothing of it stays."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from headrace.contracts.applied import ENVIRONMENT
from headrace.systems.bundle import Systems
from headrace.systems.endpoint import Endpoint
from headrace.systems.platform.hook import PlatformHook
from headrace.systems.spark.batch import job_environment
from include.stack import databases, endpoints
from include.stack.environment import shared
from include.stack.services.streams import driver_environment
from include.stack.settings import Settings
from tests.integration.systems.world import World
from tests.support.own_databases import make_source, own_databases

STOPS_WITHIN_S = 30
REFINED_WITHIN_S = 1200


class Place:
    """What a run has of the stack."""

    def __init__(self, settings: Settings, world: World, home: Path) -> None:
        self.settings = settings
        self.world = world
        self._home = home

    @property
    def domain(self) -> str:
        """The domain, which is the connection and the stream group too."""
        return self.world.name

    def declare(self, dataset: str, files: Mapping[str, str]) -> None:
        """Write a dataset's contract: file → text."""
        folder = self.world.folder / self.domain
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        self.world.declared.add(dataset)

    @contextmanager
    def streaming(self) -> Iterator[subprocess.Popen[bytes]]:
        """The domain's stream driver runs inside the block."""
        environ = self._environment() | driver_environment(self.settings, self.domain)
        environ["HEADRACE_STREAM_CHECKPOINTS"] = str(self._home / "checkpoints")
        environ["HEADRACE_PLATFORM_DSN"] = databases.superuser_dsn(self.settings, f"{self.domain}_platform")
        script = self.settings.root / "include" / "spark" / "streaming" / "driver.py"
        with (
            self.log("stream").open("wb") as log,
            _process([str(script), "--group", self.domain], environ, log) as driver,
        ):
            yield driver

    @contextmanager
    def refining(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """A Spark session stands by inside the block; the call refines every dataset from all of raw and builds the marts, once."""
        place = self.world.endpoints
        environ = self._environment() | job_environment(place.lake, place.platform)
        environ |= {"HEADRACE_TOKEN_KEY": self.settings["HEADRACE_TOKEN_KEY"]}
        environ |= {"HEADRACE_SPARK_MEMORY": self.settings["HEADRACE_MEMORY_BATCH"]}
        command = ["-m", "tests.fidelity.refining", str(self.world.folder)]
        with self.log("refining").open("wb") as log, _process(command, environ, log, subprocess.PIPE) as running:
            yield lambda: _refined(running)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self._home / f"{name}.log"

    def _environment(self) -> dict[str, str]:
        """What runs here follows the contracts of this place."""
        folder = str(self.world.folder)
        ours = {"HEADRACE_CONTRACTS": folder, ENVIRONMENT: folder, "HEADRACE_INDEX": str(self._home / "index.json")}
        return shared(self.settings) | ours


@contextmanager
def place(settings: Settings, home: Path, prepare: Iterable[str], **more: Any) -> Iterator[Place]:
    """A new place; `prepare` are statements for its source database. `more` are settings of the plan."""
    domain = f"fid{secrets.token_hex(3)}"
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        make = stack.enter_context(own_databases(settings, domain))
        dsn = make_source(settings, domain, make)
        platform = Endpoint.from_url(make("platform"))
        PlatformHook(platform).migrate()
        places = replace(endpoints.endpoints(settings), platform=platform, sources={domain: Endpoint.from_url(dsn)})
        world = World(domain, dsn, home / "schemas", places, Systems.at(places), more=more)
        stack.callback(world.clean)
        for statement in prepare:
            world.sql(statement.format(domain=domain))
        yield Place(settings, world, home)


def _refined(running: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """What came of each dataset. Raises RuntimeError when the process failed as a whole."""
    out, _ = running.communicate(b"\n", REFINED_WITHIN_S)
    if running.returncode:
        raise RuntimeError(f"refinement ended with {running.returncode}; see its log")
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


@contextmanager
def _process(
    command: list[str], environ: Mapping[str, str], log: IO[bytes], pipe: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, *command], env=os.environ | dict(environ), stdin=pipe, stdout=pipe or log, stderr=log
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
