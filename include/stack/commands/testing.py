"""Run the tests on a separate stack with its own ports, and remove it afterwards: `./headrace test`."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from headrace.systems.spark.job import SHORT_JVM
from include.stack import settings as configuration
from include.stack.commands.stop import remove
from include.stack.commands.test_parts import (
    BESIDE,
    ENGINES,
    FAULTS,
    NO_ENGINES,
    ON_STACK,
    WITHOUT_STACK,
    Lane,
    Suite,
    is_whole,
)
from include.stack.console import Progress, err, out
from include.stack.install import TEST_PACKAGES, install_debian
from include.stack.settings import BY_NAME, Settings, read_env

TEST_INSTANCE: Mapping[str, str] = {
    "HEADRACE_INSTANCE": "test",
    "HEADRACE_PORT_BASE": "23000",
    "HEADRACE_SAMPLE": "20000",
    "HEADRACE_MEMORY_CONNECT": "640m",
    "HEADRACE_MEMORY_KAFKA": "320m",
    "HEADRACE_MEMORY_SPARK": "768m",
    "HEADRACE_MEMORY_CLICKHOUSE": "1500m",
    "HEADRACE_SINK_COMMIT_MS": "5000",
    "HEADRACE_SINK_SESSION_MS": "10000",
    "HEADRACE_RAW_POLL_S": "15",
    "HEADRACE_REFINE_EVERY_S": "5",
    "HEADRACE_BUILD_EVERY_S": "5",
    "HEADRACE_LANDING_POLL_S": "2",
    "HEADRACE_FRESHNESS_POLL_S": "3",
    "HEADRACE_FRESHNESS_WINDOW_S": "15",
    "HEADRACE_RETRY_DELAY_S": "3",
    "HEADRACE_HANG_S": "60",
}
"""Settings of the test instance: little memory and data, and short waits."""
QUICK_JVM = SHORT_JVM
"""Options for every JVM of the test instance: with little data, optimising compilation costs more than it saves."""
LIMIT_S = 4500


def run_tests(s: Settings, arguments: Sequence[str], *, fast: bool, keep: bool, long: bool) -> int:
    """Run the tests and return pytest's exit code, the worst of several. SIGTERM also stops everything it started."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    pytest = [sys.executable, "-m", "pytest", *(["--long"] if long else []), *arguments]
    if fast:
        return subprocess.run([*pytest, "-m", "not stack"], cwd=s.root, timeout=LIMIT_S, check=False).returncode
    environ = os.environ | {name: os.environ.get(f"TEST_{name}", value) for name, value in TEST_INSTANCE.items()}
    environ.setdefault("JDK_JAVA_OPTIONS", QUICK_JVM)
    environ["HEADRACE_CONTRACTS"] = str(s.state / "instances" / environ["HEADRACE_INSTANCE"] / "contracts")
    test = configuration.load(environ)
    with alone(test), _stack(test, environ, keep=keep) as start:
        if long and not arguments:
            return _run_long_tests(test, environ, start)
        if not long and is_whole(s.root, arguments):
            return _run_parts(test, arguments, environ, start)
        start()
        return subprocess.run(pytest, cwd=test.root, env=environ, timeout=LIMIT_S, check=False).returncode


@contextmanager
def alone(test: Settings) -> Iterator[None]:
    """Lock the instance: a second test run would change its contracts and remove it at the end.

    The lock is released when the process ends, in any way. Raises SystemExit when another process holds the lock.
    """
    path = test.home.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise SystemExit(
                f"./headrace test already runs on the instance {test.home.name} in process {held.read().strip()}: wait"
                " for it, or use another: TEST_HEADRACE_INSTANCE=test2 TEST_HEADRACE_PORT_BASE=24000 ./headrace test"
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def _run_parts(test: Settings, arguments: Sequence[str], environ: Mapping[str, str], start: Callable[[], None]) -> int:
    """Run all parts of the suite, two at a time; return the worst exit code."""
    from benchmarks import suite_results

    with tempfile.TemporaryDirectory() as folder:
        suite, began = Suite(test, arguments, Path(folder), LIMIT_S), time.monotonic()
        with Lane(suite) as lane, Lane(suite) as engines:
            lane.add(WITHOUT_STACK, os.environ)
            start()
            lane.add(BESIDE, environ)
            suite.run(ON_STACK, environ)
            engines.add(ENGINES, environ)  # they need no stack: they run beside what is left, and beside the faults
            lane.finish()
            suite.run(FAULTS, environ)
            engines.finish()
        wall_s, reports = time.monotonic() - began, test.state / "reports"
        written = suite_results.write(suite_results.SUITE, suite.reports(), test, reports, wall_s)
        out.print(f"{wall_s:7.1f} s  in total; duration of each test: {written}", soft_wrap=True)
        return suite.report()


def _run_long_tests(test: Settings, environ: Mapping[str, str], start: Callable[[], None]) -> int:
    """Run every test marked `long` and write the results; return the worst exit code."""
    from benchmarks import suite_results

    with tempfile.TemporaryDirectory() as folder:
        suite, began = Suite(test, ["--long"], Path(folder), LIMIT_S), time.monotonic()
        with Lane(suite) as lane:
            start()
            lane.add(ENGINES, environ)
            suite.run(NO_ENGINES, environ)
            lane.finish()
        written = suite_results.write(suite_results.LONG, suite.reports(), test, wall_s=time.monotonic() - began)
        out.print(f"{written}", soft_wrap=True)
        return suite.report()


@contextmanager
def _stack(test: Settings, environ: Mapping[str, str], *, keep: bool) -> Iterator[Callable[[], None]]:
    """Yield a function that starts the stack; afterwards remove the stack, or with `keep` print how to reach it."""
    _own_contracts(test)
    _own_settings(test, environ)
    install_debian(Progress(), TEST_PACKAGES)
    try:
        yield lambda: _start(test, environ)
    finally:
        if keep:
            names = ("HEADRACE_INSTANCE", "HEADRACE_PORT_BASE", "HEADRACE_CONTRACTS")
            instance_env = " ".join(f"{name}={environ[name]}" for name in names)
            out.print(f"the test stack is still running: {instance_env} ./headrace status", soft_wrap=True)
        else:
            _remove(test)


def _own_contracts(test: Settings) -> None:
    """Copy the contracts, so that tests can change them."""
    shutil.rmtree(test.contracts, ignore_errors=True)
    shutil.copytree(test.root / "include" / "schemas", test.contracts)


def _own_settings(test: Settings, environ: Mapping[str, str]) -> None:
    """Write the settings to the instance's env file, for every command that uses the instance."""
    test.home.mkdir(parents=True, exist_ok=True)
    kept = read_env(test.env_file)
    lines = [
        f"{name}={environ[name]}"
        for name in (*TEST_INSTANCE, "HEADRACE_CONTRACTS")
        if name in BY_NAME and name not in kept
    ]
    with test.env_file.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    test.env_file.chmod(0o600)


def _start(test: Settings, environ: Mapping[str, str]) -> None:
    command = [str(test.root / "headrace"), "up", "--streams-only"]
    done = subprocess.run(command, cwd=test.root, env=dict(environ), timeout=1800, check=False)
    if done.returncode:
        for log in sorted(test.logs.glob("*.log")):
            err.print(f"--- {log.name}")
            err.print("\n".join(log.read_text(errors="replace").splitlines()[-15:]), markup=False)
        raise SystemExit("the test stack did not start; its logs are above")


def _remove(test: Settings) -> None:
    progress = Progress()
    remove(test)
    progress("the test stack is removed")
