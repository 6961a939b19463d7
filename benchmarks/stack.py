"""The stack that is measured: one of its own, started and removed like the tests', or one that runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.context import NotMeasured
from include.stack import settings as configuration
from include.stack.commands.stop import remove
from include.stack.settings import Settings
from include.stack.supervision.supervisor import Supervisor

OWN: Mapping[str, str] = {
    "HEADRACE_INSTANCE": "bench",
    "HEADRACE_PORT_BASE": "26000",
    "HEADRACE_CLICKHOUSE_NATIVE": "yes",  # dlt speaks it
}
QUICK: Mapping[str, str] = {"HEADRACE_SAMPLE": "20000"}
STARTED_WITHIN_S = 1800


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance, and the environment in which `./headrace` finds it."""

    settings: Settings
    environ: Mapping[str, str] = field(hash=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.home.name


def find(name: str, *, quick: bool) -> Instance:
    """The instance of that name; the one of our own has its own ports, and with `quick` little data.

    `BENCH_<setting>` in the environment is a setting of our own instance, e.g. BENCH_HEADRACE_PORT_BASE.
    """
    own: Mapping[str, str] = {"HEADRACE_INSTANCE": name}
    if name == OWN["HEADRACE_INSTANCE"]:
        given = {k.removeprefix("BENCH_"): v for k, v in os.environ.items() if k.startswith("BENCH_HEADRACE_")}
        own = {**OWN, **(QUICK if quick else {}), **given, **own}
    # What the caller's environment says of ports or data is meant for another instance.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_PORT", "HEADRACE_SAMPLE"))}
    environ = {**inherited, **own}
    return Instance(configuration.load(environ), environ)


@contextmanager
def running(instance: Instance, report: Callable[[str], None], *, keep: bool) -> Iterator[Instance]:
    """The instance up and with its data: ours is started, and removed unless kept; another one must run already.

    Raises:
        NotMeasured: it does not run, or could not be started.
    """
    if instance.name != OWN["HEADRACE_INSTANCE"]:
        if not Supervisor(instance.settings).is_up():
            raise NotMeasured(f"instance {instance.name} is down: start it with ./headrace up")
        yield instance
        return
    try:
        _start(instance)
        yield find(instance.name, quick="HEADRACE_SAMPLE" in instance.environ)  # with its secrets, made at the start
    finally:
        if keep:
            report(f"the stack stays up: HEADRACE_INSTANCE={instance.name} ./headrace status")
        else:
            remove(instance.settings)
            report("the benchmark's stack is gone")


def _start(instance: Instance) -> None:
    command = [str(instance.settings.root / "headrace"), "up", "--streams-only"]
    environ, root = dict(instance.environ), instance.settings.root
    if subprocess.run(command, cwd=root, env=environ, timeout=STARTED_WITHIN_S, check=False).returncode:
        raise NotMeasured(f"the benchmark's stack did not come up; its logs are in {instance.settings.logs}")
